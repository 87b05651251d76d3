//! A TCP relay between a run and its manager. TLS passes through it end to end, so the relay sees bytes and connections, but no requests.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToManager,
    ToClient,
}

/// Both sides of a relayed connection.
pub(crate) struct Connection {
    /// The number of the connection. Connections count from 1 in the order in which they are accepted, as in the manager.
    pub(crate) number: u64,
    client: TcpStream,
    server: TcpStream,
}

/// Decides what happens to the connections and bytes of a relay. By default they are passed on.
pub(crate) trait Filter: Send + Sync + 'static {
    /// Returns true if a new connection is relayed. If not, it is closed.
    fn accepts(&self, _client: &TcpStream) -> bool {
        true
    }

    /// Called once for each connection, before its first byte.
    fn opened(&self, _connection: &Arc<Connection>) {}

    /// Passes bytes on. If this returns false, all further bytes in this direction are dropped.
    fn pass(&self, connection: &Connection, direction: Direction, bytes: &[u8]) -> bool {
        connection.send(direction, bytes)
    }

    /// Returns true if the relay must stop. The relay checks this after each connection that it accepts.
    fn is_closed(&self) -> bool {
        false
    }
}

/// Accepts connections, and relays each to `target` on its own threads until the filter is closed.
pub(crate) fn serve(listener: TcpListener, target: SocketAddr, filter: Arc<impl Filter>) {
    std::thread::spawn(move || {
        let mut number = 0;
        while let Ok((client, _)) = listener.accept() {
            if filter.is_closed() {
                return;
            }
            if !filter.accepts(&client) {
                continue;
            }
            if let Ok(server) = TcpStream::connect(target) {
                number += 1;
                drop(join(number, client, server, &filter));
            }
        }
    });
}

/// Relays one connection, and waits until both directions have ended.
pub(crate) fn join_and_wait(client: TcpStream, server: TcpStream, filter: &Arc<impl Filter>) {
    for thread in join(1, client, server, filter) {
        let _ = thread.join();
    }
}

fn join(
    number: u64,
    client: TcpStream,
    server: TcpStream,
    filter: &Arc<impl Filter>,
) -> [std::thread::JoinHandle<()>; 2] {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let connection = Arc::new(Connection {
        number,
        client,
        server,
    });
    filter.opened(&connection);
    [Direction::ToManager, Direction::ToClient].map(|direction| {
        let (filter, connection) = (Arc::clone(filter), Arc::clone(&connection));
        std::thread::spawn(move || connection.pump(&*filter, direction))
    })
}

impl Connection {
    fn ends(&self, direction: Direction) -> (&TcpStream, &TcpStream) {
        match direction {
            Direction::ToManager => (&self.client, &self.server),
            Direction::ToClient => (&self.server, &self.client),
        }
    }

    /// Sends bytes in this direction. Returns true if it succeeds.
    pub(crate) fn send(&self, direction: Direction, bytes: &[u8]) -> bool {
        let (_, mut to) = self.ends(direction);
        to.write_all(bytes).is_ok()
    }

    fn pump(&self, filter: &impl Filter, direction: Direction) {
        let (mut from, to) = self.ends(direction);
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if !filter.pass(self, direction, &buffer[..length]) {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Closes both sides.
    pub(crate) fn close(&self) {
        let _ = (
            self.client.shutdown(Shutdown::Both),
            self.server.shutdown(Shutdown::Both),
        );
    }

    /// Resets the connection to the client. The reset is sent when the last thread drops the socket, so the other threads are woken.
    #[cfg(unix)]
    pub(crate) fn reset(&self) {
        reset_on_close(&self.client);
        let _ = (
            self.client.shutdown(Shutdown::Read),
            self.server.shutdown(Shutdown::Both),
        );
    }
}

/// Makes the socket reset its connection when it is closed.
#[cfg(unix)]
pub(crate) fn reset_on_close(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
