# function
import configparser
import io
import ipaddress
import graphlib

config = configparser.ConfigParser()
config.read_string("[server]\nhost = example.org\nport = 8080\nurl = http://%(host)s:%(port)s\n[flags]\ndebug = yes\n")
print(config["server"]["url"], config.getboolean("flags", "debug"), config.sections())
out = io.StringIO()
config.write(out)
print(out.getvalue().count("\n"))
print(ipaddress.ip_address("10.0.0.7") in ipaddress.ip_network("10.0.0.0/29"), list(ipaddress.ip_network("192.168.0.0/30").hosts()))
print(list(graphlib.TopologicalSorter({"d": {"b", "c"}, "b": {"a"}, "c": {"a"}}).static_order())[0])
