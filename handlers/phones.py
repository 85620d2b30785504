"""Phone numbers: E.164, as Google's library sees them."""

import phonenumbers

from handlers.errors import invalid


def e164(text: str, field: str = "phone") -> str:
    """The number in E.164, for example "+4930123456". Raises `ChatError` for what cannot be a number in international form."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise invalid(field, "must be a phone number in international form, like +4930123456") from None
    if not phonenumbers.is_possible_number(number):
        raise invalid(field, "is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
