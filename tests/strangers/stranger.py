"""A client with the `websockets` package."""

import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

REPLIES = {
    "login success, your uid is stranger": "friend:here I am",
    "hi all": "nobody:x",
    "error: nobody is not online": "friend:over to you",
}

with connect(sys.argv[1]) as socket:
    socket.send("stranger")
    try:
        while True:
            heard = socket.recv()
            print(heard)
            if heard in REPLIES:
                socket.send(REPLIES[heard])
    except ConnectionClosed as closed:
        print("closed", closed.rcvd.code, closed.rcvd.reason)
