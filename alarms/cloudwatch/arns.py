"""What an alarm may do: the ARNs CloudWatch takes as actions; it never checks that they exist."""

import re

_KINDS = {
    "sns": r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}",
    "lambda": r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?",
    "ec2": r"arn:[a-z-]+:automate:[a-z0-9-]+:ec2:(stop|terminate|reboot|recover)"
    r"|arn:[a-z-]+:swf:[a-z0-9-]+:\d{12}:action/actions/AWS_EC2\.InstanceId\.(Stop|Terminate|Reboot|Recover)/1\.0",
    "scaling": r"arn:[a-z-]+:autoscaling:[a-z0-9-]+:\d{12}:scalingPolicy:.+",
    "ssm": r"arn:[a-z-]+:ssm:[a-z0-9-]+:\d{12}:opsitem:[1-4](#CATEGORY=[A-Za-z]+)?"
    r"|arn:[a-z-]+:ssm-incidents::\d{12}:response-plan/.+",
    "investigation": r"arn:[a-z-]+:aiops:[a-z0-9-]+:\d{12}:investigation-group/.+",
}


def kind(arn: str) -> str | None:
    """Return the kind of action an ARN is, or None when CloudWatch takes no such thing."""
    return next((name for name, pattern in _KINDS.items() if re.fullmatch(pattern, arn)), None)


def action_problem(arn: str, field: str, nature: str) -> str | None:
    """Return why an alarm of that nature (`definitions.nature_of`) may not have this action, or None."""
    found = kind(arn) if 1 <= len(arn) <= 1024 else None
    if found is None:
        return "an ARN is needed of an SNS topic, a Lambda function, an EC2 action, a scaling policy or SSM."
    if nature == "composite" and found not in ("sns", "lambda", "ssm"):
        return "a composite alarm may only notify SNS, Lambda and Systems Manager."
    if nature == "band" and found == "scaling":
        return "a band alarm cannot scale anything."
    if nature in ("math", "band") and found == "ec2":
        return "an alarm on metric math has no EC2 actions."
    if found in ("ssm", "investigation") and field != "AlarmActions":
        return "only for AlarmActions."
    return None
