import threading

def work():
    raise ValueError("in a thread")

threading.excepthook = lambda given: print("hook:", given.exc_type.__name__, given.exc_value)
thread = threading.Thread(target=work)
thread.start()
thread.join()
print("main goes on")
