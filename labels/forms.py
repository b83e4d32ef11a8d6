from django import forms
from django.conf import settings

from labels.text.phone_numbers import NotANumber, normalised


def whole_number(text):
    """Return the number in a query or a form, 0 when it is none that a database knows."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    widget = ManyFilesInput

    def clean(self, data, initial=None):
        files = data if isinstance(data, list | tuple) else [data]
        if not any(files):
            raise forms.ValidationError("Choose at least one photo.", code="required")
        return [file for file in files if file]


class UploadForm(forms.Form):
    # Not FileField's own checks: an empty file is refused by name in the list, not for the whole form.
    photos = ManyFilesField(label="Photos", allow_empty_file=True)


class DirectUploadForm(forms.Form):
    """A file that a browser is about to send to the bucket, as the browser describes it."""

    name = forms.CharField(max_length=1000)
    size = forms.IntegerField(min_value=0, max_value=2**63 - 1)


class SavedSelectionForm(forms.Form):
    name = forms.CharField(max_length=80)

    def clean_name(self):
        return " ".join(self.cleaned_data["name"].split())


class PhoneForm(forms.Form):
    number = forms.CharField(
        label="Mobile number",
        max_length=40,
        help_text="With + and the country code, as in +44 7700 900123.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
        error_messages={"required": "Type the number of your mobile phone."},
    )

    def clean_number(self):
        try:
            number = normalised(self.cleaned_data["number"])
        except NotANumber as reason:
            raise forms.ValidationError(str(reason), code="number") from reason
        if settings.SMS_COUNTRIES and not number.startswith(tuple(settings.SMS_COUNTRIES)):
            texted = ", ".join(settings.SMS_COUNTRIES)
            raise forms.ValidationError(
                f"Texts go only to numbers that begin with {texted}. Your administrator may allow others.",
                code="country",
            )
        return number


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code", "size": "8"}
        ),
        error_messages={"required": "Type the six digits of the text."},
    )

    def clean_code(self):
        code = "".join(self.cleaned_data["code"].split())
        if len(code) != 6 or not (code.isascii() and code.isdecimal()):
            raise forms.ValidationError("The code has six digits.", code="code")
        return code
