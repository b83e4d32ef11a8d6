"""Amazon Rekognition: operations that store nothing at Amazon, in whichever Region is free."""
