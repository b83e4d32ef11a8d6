"""The page of text messages: a number is proved by a code, codes are few, and everybody sees their own."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from labels.maintenance.sweep import sweep
from labels.models import Phone, PhoneCode, SmsCount
from labels.notices import phones
from labels.text.phone_numbers import ONE_SMS, places
from tests.storage.s3_server import cut, sns_error

pytestmark = pytest.mark.django_db

PAGE = "/accounts/texts/"
NUMBER, OTHER, STOPPED = "+447700900123", "+447700900124", "+447700900199"


@pytest.fixture
def browser_of_eve(eve):
    browser = Client()
    browser.force_login(eve)
    return browser


def _ask(client, number=NUMBER):
    """Ask for a code and return the page that follows."""
    return _words(client.post(f"{PAGE}code/", {"number": number}, follow=True))


def _type(client, code):
    return _words(client.post(f"{PAGE}confirm/", {"code": code}, follow=True))


def _words(answer):
    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(text.replace("&#x27;", "'").split())


def _code(texted):
    """Return the code of the last text."""
    return re.match(r"\d{6} ", texted()[-1][1])[0].strip()


def _wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


def _age(**span):
    for row in PhoneCode.objects.all():
        PhoneCode.objects.filter(pk=row.pk).update(created_at=row.created_at - timedelta(**span))


def _counted():
    return sum(SmsCount.objects.filter(owner=None).values_list("sent", flat=True))


def test_a_number_is_stored_when_its_code_was_typed(client, dan, texted):
    first = _words(client.get(PAGE))
    asked = _ask(client, "+44 7700 900123")
    before = list(Phone.objects.all())
    [(number, text)] = texted()
    done = _type(client, _code(texted))

    assert "Send me a code" in first
    assert number == NUMBER
    assert re.fullmatch(
        r"\d{6} is your photomgr code, good for 10 minutes. Nobody else may ask you for it.", text
    )
    assert places(text) <= ONE_SMS
    assert before == []
    assert "A new code" not in asked
    assert f"We sent six digits to {NUMBER} , good for 10 minutes." in asked
    assert "Your number is confirmed. We will text you when a download has ended." in done
    assert f"When a download has ended we text {NUMBER}" in done
    phone = Phone.objects.get()
    assert (phone.owner, phone.number, phone.wanted) == (dan, NUMBER, True)


def test_a_code_is_kept_so_that_nobody_can_read_it(client, texted):
    _ask(client)

    [row] = PhoneCode.objects.values()
    assert _code(texted) not in " ".join(map(str, row.values()))
    assert row["code_digest"] != PhoneCode.objects.get().number_digest


@pytest.mark.parametrize("typed", ["{0} {1}", " {0}{1}\n", "{0}\u00a0{1}"])
def test_spaces_in_a_code_do_no_harm(client, texted, typed):
    _ask(client)
    code = _code(texted)

    _type(client, typed.format(code[:3], code[3:]))

    assert Phone.objects.exists()


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "٠٠٠٠٠٠", "-12345", "1e5000"])
def test_what_is_no_code_costs_no_try(client, texted, typed):
    _ask(client)

    page = _type(client, typed)

    assert "The code has six digits." in page or "Type the six digits of the text." in page
    assert PhoneCode.objects.get().tries == 0


def test_five_wrong_codes_and_the_right_one_is_no_longer_good(client, texted):
    _ask(client)
    code = _code(texted)

    pages = [_type(client, _wrong(code)) for _ in range(5)]
    late = _type(client, code)

    for left, page in zip(
        ("4 more times", "3 more times", "2 more times", "1 more time"), pages, strict=False
    ):
        assert f"That is not the code we sent. You can try {left}." in page
    assert "That was not the code, for the last time. Ask for a new one." in pages[4]
    assert "This code is no longer good. Ask for a new one." in late
    assert not Phone.objects.exists()


def test_a_code_is_good_for_ten_minutes(client, texted):
    _ask(client)
    _age(minutes=9, seconds=50)
    still = _words(client.get(PAGE))
    _age(seconds=11)

    page = _type(client, _code(texted))

    assert "Type the code" in still
    assert "This code is no longer good. Ask for a new one." in page
    assert "Send me a code" in page
    assert not Phone.objects.exists()


def test_a_new_code_voids_the_old_one_and_its_number(client, texted):
    _ask(client, NUMBER)
    old = _code(texted)
    again = _ask(client, OTHER)
    assert f"A new code is on its way to {OTHER}." in again
    # Once in a million the two are the same.
    if old != _code(texted):
        assert "That is not the code we sent." in _type(client, old)

    _type(client, _code(texted))

    assert Phone.objects.get().number == OTHER
    assert not PhoneCode.objects.exclude(number="").exists()


def test_a_code_is_good_once(client, dan, texted):
    _ask(client)
    code = _code(texted)
    _type(client, code)
    phones.forget_phone(dan)

    assert "This code is no longer good." in _type(client, code)
    assert not Phone.objects.exists()


def test_the_code_of_one_person_is_nothing_to_another(client, browser_of_eve, texted):
    _ask(client)

    page = _type(browser_of_eve, _code(texted))

    assert "This code is no longer good." in page
    assert not Phone.objects.exists()
    assert PhoneCode.objects.get().tries == 0


def test_nobody_sees_or_changes_the_number_of_another(client, browser_of_eve, dan, texted):
    _ask(client)
    _type(client, _code(texted))
    _ask(client, OTHER)

    for action in ("remove", "cancel", "switch"):
        browser_of_eve.post(f"{PAGE}{action}/")
    page = _words(browser_of_eve.get(PAGE))

    assert "7700" not in page.replace("+44 7700 900123.", "")
    assert (Phone.objects.get().owner, Phone.objects.get().wanted) == (dan, True)
    assert phones.waiting_code(dan).number == OTHER


def test_at_most_three_codes_an_hour_and_six_a_day_for_an_account(client, texted):
    for number in range(3):
        _ask(client, f"+4477009001{number:02}")
    refused = _ask(client)
    _age(minutes=50)
    still = _ask(client)
    _age(minutes=11)
    for number in range(3):
        _ask(client, f"+4477009002{number:02}")
    _age(hours=2)
    of_day = _ask(client)
    _age(hours=22)
    _ask(client)

    assert re.search(
        r"At most 3 codes an hour are sent for you\. The next one can go in (59|60) minutes", _plain(refused)
    )
    assert re.search(r"The next one can go in (9|10) minutes\.", _plain(still))
    assert "At most 6 codes a day are sent for you. The next one can go in 20 hours." in _plain(of_day)
    assert len(texted()) == _counted() == 7


def _plain(page):
    return page.replace("\u00a0", " ").replace("1 hour.", "60 minutes.")


def test_at_most_three_codes_an_hour_go_to_a_number_whoever_asks(client, browser_of_eve, texted):
    for _ in range(2):
        _ask(client)
    _ask(browser_of_eve)

    page = _plain(_ask(browser_of_eve, "+44 (7700) 900-123"))

    assert "At most 3 codes an hour are sent to this number." in page
    assert len(texted()) == 3
    _ask(browser_of_eve, OTHER)
    assert len(texted()) == 4


def test_codes_count_as_texts_of_the_day(client, texted, settings):
    settings.SMS_DAILY_LIMIT = 1
    _ask(client)

    page = _ask(client, OTHER)

    assert "The 1 texts a day of this site are used up. Tomorrow there are more." in page
    assert len(texted()) == 1
    # The one before is still good.
    assert "Your number is confirmed." in _type(client, _code(texted))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Type the number of your mobile phone."),
        ("07700 900123", "Begin with + and the code of the country."),
        ("+44 (0) 7700 900123", "Leave out the (0)"),
        ("+44 7700", "this one has 6"),
        ("+" + "4" * 60, "at most 40 characters"),
    ],
)
def test_a_wrong_number_is_said_beside_what_was_typed(s3_server, client, texted, typed, said):
    answer = client.post(f"{PAGE}code/", {"number": typed})

    page = answer.content.decode()
    assert said in _words(answer)
    assert f'value="{typed}"' in page or not typed
    assert 'aria-invalid="true"' in page
    assert s3_server.asked == []


def test_only_the_countries_of_the_setting_are_texted(client, texted, settings):
    settings.SMS_COUNTRIES = ["+49", "+4477"]

    assert "Texts go only to numbers that begin with +49, +4477." in _ask(client, "+39 06 698 8511")
    _ask(client, NUMBER)

    assert [number for number, _ in texted()] == [NUMBER]


@pytest.mark.parametrize(
    ("number", "refusal", "said"),
    [
        (STOPPED, None, "This phone answered an earlier text with STOP, so no text may be sent to it."),
        (NUMBER, (400, "InvalidParameter"), "The phone network says that there is no such number for texts."),
        (NUMBER, (400, "Throttling"), "The code could not be sent just now. Try again in a few minutes."),
        (NUMBER, (500, "InternalError"), "The code could not be sent just now. Try again in a few minutes."),
        (
            NUMBER,
            (403, "AuthorizationError"),
            "The code could not be sent just now. Try again in a few minutes.",
        ),
    ],
)
def test_a_code_that_sns_does_not_take_is_said(s3_server, client, dan, texted, caplog, number, refusal, said):
    answer = refusal and sns_error(*refusal, f"not for {NUMBER}")
    s3_server.rule = lambda asked: answer if asked.form.get("Action") == "Publish" else None

    page = _ask(client, number)

    assert said in page
    assert "Send me a code" in page
    assert texted() == []
    assert _counted() == 0
    # What the person cannot mend, the operator reads.
    logged = [record.getMessage() for record in caplog.records if record.name == "labels.notices.phones"]
    assert len(logged) == ("Try again" in said)
    assert all(refusal[1] in line and NUMBER not in line for line in logged)
    # The number is forgotten, and the attempt is not: else SNS could be asked about any number for ever.
    assert phones.waiting_code(dan) is None
    assert PhoneCode.objects.count() == 1


def test_a_code_whose_answer_was_lost_is_good_when_it_comes(s3_server, client, texted):
    s3_server.rule = lambda asked: cut(0) if asked.form.get("Action") == "Publish" else None
    answer = client.post(f"{PAGE}code/", {"number": NUMBER})
    s3_server.reset()

    assert answer.url == PAGE
    assert "Type the code" in _words(client.get(PAGE))
    assert len(texted()) == _counted() == 1
    assert "Your number is confirmed." in _type(client, _code(texted))


def test_a_number_is_changed_when_the_new_one_is_confirmed(client, texted):
    _ask(client)
    _type(client, _code(texted))
    client.post(f"{PAGE}switch/", {"wanted": "0"})
    _ask(client, OTHER)
    between = Phone.objects.get().number
    _type(client, _code(texted))

    assert between == NUMBER
    phone = Phone.objects.get()
    assert (phone.number, phone.wanted) == (OTHER, True)


def test_texts_are_turned_off_and_on_and_the_number_removed(client, texted):
    _ask(client)
    _type(client, _code(texted))

    off = _words(client.post(f"{PAGE}switch/", follow=True))
    assert "Texts are off." in off
    assert f"Your number is {NUMBER} ; we do not text it." in off
    assert not Phone.objects.get().wanted
    on = _words(client.post(f"{PAGE}switch/", {"wanted": "1"}, follow=True))
    assert "We will text you when a download has ended." in on
    assert Phone.objects.get().wanted
    _ask(client, OTHER)
    gone = _words(client.post(f"{PAGE}remove/", follow=True))
    assert "Your number is forgotten." in gone
    assert not Phone.objects.exists()
    assert not PhoneCode.objects.exclude(number="").exists()


def test_another_number_is_chosen_before_the_code_came(client, texted):
    _ask(client)

    page = _words(client.post(f"{PAGE}cancel/", follow=True))

    assert "Send me a code" in page
    assert "no longer good" in _type(client, _code(texted))


def test_an_unconfirmed_number_is_forgotten_after_ten_minutes_and_its_code_after_a_day(client, texted):
    _ask(client)
    assert sweep()["phone_codes_cleared"] == 0
    _age(minutes=10)

    assert sweep()["phone_codes_cleared"] == 1
    [row] = PhoneCode.objects.all()
    assert row.number == ""
    _age(days=1)
    assert sweep()["phone_codes_cleared"] == 1
    assert not PhoneCode.objects.exists()


def test_fields_help_phones_to_fill_them_in(client, texted):
    number = client.get(PAGE).content.decode()
    _ask(client)
    code = client.get(PAGE).content.decode()

    assert re.search(r'<input type="tel" name="number"[^>]* autocomplete="tel" inputmode="tel"', number)
    assert re.search(r'<input [^>]*autocomplete="one-time-code" inputmode="numeric"', code)


@pytest.mark.parametrize("action", ["code", "confirm"])
def test_the_address_of_an_error_leads_back_to_the_page(client, texted, action):
    assert client.get(f"{PAGE}{action}/").url == PAGE


def test_without_the_setting_there_is_nothing_but_the_way_out(client, dan, settings):
    assert settings.SMS_REGION == ""
    Phone.objects.create(owner=dan, number=NUMBER, verified_at=timezone.now())
    page = _words(client.get(PAGE))
    menu = client.get("/").content.decode()

    assert "This site sends no text messages." in page
    assert "Turn texts" not in page
    assert "Send me a code" not in page
    assert PAGE not in menu
    for action in ("code", "confirm"):
        assert client.post(f"{PAGE}{action}/", {"number": NUMBER, "code": "123456"}).status_code == 404
    assert client.post(f"{PAGE}switch/", {"wanted": "1"}).status_code == 404
    client.post(f"{PAGE}switch/")
    assert not Phone.objects.get().wanted
    client.post(f"{PAGE}remove/")
    assert not Phone.objects.exists()


def test_with_the_setting_the_menu_leads_there(client, texted):
    assert f'href="{PAGE}"' in client.get("/").content.decode()
