# differs: the descriptions of terminals are the host's files
import curses
import curses.ascii
import readline

print(curses.ascii.isalpha("a"), curses.ascii.ctrl("a") == "\x01")
try:
    curses.setupterm("dumb", 1)
    print("set up")
except curses.error as error:
    print("no such terminal")
