import pytest

from alarms.cloudwatch import composite_rules

STATES = {"a": "ALARM", "b": "OK", "two words": "ALARM"}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ('ALARM("a")', True),
        ("ALARM(a) AND OK(b)", True),
        ("NOT ALARM(a)", False),
        ("NOT ALARM(b) AND ALARM(b)", False),
        ("NOT (ALARM(b) AND ALARM(a))", True),
        ("ALARM(a) OR ALARM(b) AND FALSE", True),
        ("(ALARM(a) OR ALARM(b)) AND FALSE", False),
        ("ALARM('two words') AND TRUE", True),
        ('ALARM("arn:aws:cloudwatch:us-east-1:123456789012:alarm:a")', True),
        ("INSUFFICIENT_DATA(unknown)", False),
    ],
)
def test_a_rule_holds_as_it_reads(rule, holds):
    assert composite_rules.evaluate(composite_rules.parse(rule), STATES) is holds


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("ALARM(a) ALARM(b)", "stands where AND or OR was expected"),
        ("ALARM(a) AND", "ends where an alarm was expected"),
        ("OR ALARM(a)", "OR stands where an alarm was expected"),
        ("(ALARM(a)", "a bracket is not closed"),
        ("ALARM(a) XOR ALARM(b)", "nothing can be made of 'XOR"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where(rule, message):
    with pytest.raises(composite_rules.BadRule, match=message):
        composite_rules.parse(rule)


def test_spelling_makes_no_difference():
    assert composite_rules.normal_rule("ALARM( a )\n  OR(OK('b'))") == composite_rules.normal_rule(
        'ALARM("a") OR (OK("b"))'
    )
    assert composite_rules.children('OK("b") OR ALARM(a) OR ALARM("b")') == ["b", "a"]
    assert composite_rules.count_elements('NOT ALARM("a") OR (TRUE)') == 4
