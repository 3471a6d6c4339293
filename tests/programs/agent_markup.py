# function
import html
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

class Links(HTMLParser):
    found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs).get("href"))

links = Links()
links.feed('<p>See <a href="/x?a=1&amp;b=2">x</a> and <A HREF=y>y</A>')
print(links.found, html.escape("<b> & 'q'"), html.unescape("&eacute;&#x41;"))
tree = ET.fromstring("<shop><item price='2'>tea</item><item price='3'>bread</item></shop>")
print(sum(float(item.get("price")) for item in tree.iter("item")), [item.text for item in tree.findall("item[@price='3']")])
ET.SubElement(tree, "note").text = "5 < 6"
print(ET.tostring(tree, encoding="unicode"))
print(urlsplit("https://u:p@host:81/a/b?q=1#f").port, urljoin("http://a/b/c", "../d"), urlencode({"a": "x y", "b": [1]}, doseq=True), parse_qs("a=1&a=2"), quote("ä/ö"))
