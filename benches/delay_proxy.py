"""A TCP proxy that makes the way long: everything arrives so much later, in both directions.

    python3 benches/delay_proxy.py TARGET-PORT [MILLISECONDS-EACH-WAY]         prints its own port, and serves

TCP's own handshake is done by the kernel before a proxy hears of the connection, and cannot be made late. So what a client sends
first is held back for the round trip which that handshake would have taken.
"""

import asyncio
import sys


async def carry(reader, writer, delay, extra=0.0):
    """Moves bytes from one end to the other, each `delay` seconds late, and the first ones `extra` more."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def deliver():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    delivery = asyncio.create_task(deliver())
    earliest = loop.time() + extra + delay
    data = b"."
    while data:
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        queue.put_nowait((max(loop.time() + delay, earliest), data))
    try:
        await delivery
    except OSError:
        pass


async def serve(target, delay):
    """A server that passes connections on to a port of this machine, and is not waited for."""

    async def connection(reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, back, delay, extra=2 * delay), carry(there, writer, delay))

    return await asyncio.start_server(connection, "127.0.0.1", 0)


async def main():
    server = await serve(int(sys.argv[1]), float(sys.argv[2] if len(sys.argv) > 2 else 50) / 1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
