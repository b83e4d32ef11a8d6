"""Amazon Rekognition over several Regions: its calls, limits, throttles and errors. It keeps no picture."""
