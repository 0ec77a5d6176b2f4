from django import forms


class NewTicketForm(forms.Form):
    """A ticket opened by hand, within the lengths that intake accepts."""

    customer_email = forms.EmailField(
        label="Customer email", max_length=254, widget=forms.EmailInput({"autocomplete": "off"})
    )
    customer_name = forms.CharField(label="Customer name", max_length=200, required=False)
    subject = forms.CharField(max_length=300)
    body = forms.CharField(label="Message", max_length=20_000, widget=forms.Textarea({"rows": 9}))
