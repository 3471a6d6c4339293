import ssl

context = ssl.create_default_context()
print(context.verify_mode.name, context.check_hostname, ssl.OPENSSL_VERSION.split()[0], ssl.RAND_bytes(4) != ssl.RAND_bytes(4))
print(ssl.create_default_context(cafile=None).cert_store_stats()["x509"] >= 0)
