# function
import email
import email.policy
import mimetypes
from email.message import EmailMessage

message = EmailMessage()
message["Subject"] = "Grüße"
message["From"], message["To"] = "Ann <ann@example.org>", "bob@example.org"
message.set_content("Hello,\nthis is text.\n")
message.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="x.bin")
parsed = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
print(parsed["subject"], parsed.get_content_type(), [part.get_filename() for part in parsed.iter_attachments()])
print(parsed.get_body().get_content().strip(), mimetypes.guess_type("a.csv")[0], mimetypes.guess_extension("image/png"))
