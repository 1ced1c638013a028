"""A server with the `websockets` package that speaks the text dialect. Prints its port."""

import asyncio

from websockets.asyncio.server import broadcast, serve

users = {}


async def talk(socket):
    uid = await socket.recv()
    users[uid] = socket
    await socket.send(f"login success, your uid is {uid}")
    async for text in socket:
        to, message = text.split(":")
        if to == "all":
            broadcast(users.values(), message)
        else:
            await users[to].send(message)
    del users[uid]


async def main():
    async with serve(talk, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
