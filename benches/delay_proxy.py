"""A TCP proxy that delays everything in both directions.

    python3 benches/delay_proxy.py TARGET-PORT [MILLISECONDS-EACH-WAY]         prints its own port, and serves

The kernel completes the TCP handshake before the proxy sees the connection, so the handshake itself cannot be delayed. Instead the
first bytes of the client are delayed by one more round trip.
"""

import asyncio
import sys


async def carry(reader, writer, delay, extra=0.0):
    """Copies bytes from one end to the other, `delay` seconds late, and the first ones `extra` seconds later."""
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
    """Starts a server that forwards connections to a port of this machine, and returns it."""

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
