from django import forms


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A list of uploaded files. What is in them is judged by labels.intake, one by one."""

    widget = ManyFilesInput

    def clean(self, data, initial=None):
        files = data if isinstance(data, list | tuple) else [data]
        if not any(files):
            raise forms.ValidationError("Choose at least one photo.", code="required")
        return [file for file in files if file]


class UploadForm(forms.Form):
    # Not FileField's own checks: an empty file is refused by name in the list, not for the whole form.
    photos = ManyFilesField(label="Photos", allow_empty_file=True)


class IncomingForm(forms.Form):
    """A file that a browser is about to send to the bucket, as the browser describes it."""

    name = forms.CharField(max_length=1000)
    size = forms.IntegerField(min_value=0, max_value=2**63 - 1)


class RecipeForm(forms.Form):
    name = forms.CharField(max_length=80)

    def clean_name(self):
        return " ".join(self.cleaned_data["name"].split())
