"""The experiments of the article "Dice, Skylines and CloudWatch Anomaly Detection", with seeded dice."""
