"""What happens every minute: our own metrics are published, local alarms are evaluated."""
