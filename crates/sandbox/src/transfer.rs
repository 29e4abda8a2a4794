//! Whole worlds in and out: JSON that is never all in memory, for it may be hundreds of megabytes.

use std::convert::Infallible;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use axum::body::Body;
use bytes::{Buf, Bytes};
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::world::World;

/// Longest world that is read.
const WORLD_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Size of the pieces that are read and written.
const PIECE: usize = 256 * 1024;
/// Pieces on the way.
const PIECES: usize = 8;

/// Reads a world and checks that it holds together.
pub(crate) fn read(from: impl Read) -> Result<World, String> {
    let from = BufReader::with_capacity(PIECE, from.take(WORLD_MAX));
    let world: World = serde_json::from_reader(from).map_err(|error| error.to_string())?;
    world.check()?;
    Ok(world)
}

/// Writes a world to a file: all of it, or none.
pub(crate) fn save(world: &World, path: &Path) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = BufWriter::with_capacity(PIECE, std::fs::File::create(&beside)?);
    serde_json::to_writer(&mut file, world).map_err(std::io::Error::other)?;
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(&beside, path)
}

/// A world as the body of an answer. It takes a copy, which shares its nodes with the original.
pub(crate) fn outgoing(world: World) -> Body {
    let (sender, mut pieces) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE, Outlet(sender));
        // It fails when the client has gone, and nobody else would hear of it.
        let _ = serde_json::to_writer(&mut out, &world);
        let _ = out.flush();
    });
    Body::from_stream(stream::poll_fn(move |context| {
        pieces.poll_recv(context).map(|piece| piece.map(Ok::<_, Infallible>))
    }))
}

/// Reads the world in the body of a request.
pub(crate) async fn incoming(mut body: Body) -> Result<World, String> {
    let (sender, pieces) = mpsc::channel(PIECES);
    let reading = tokio::task::spawn_blocking(move || read(Inlet { pieces, piece: Bytes::new() }));
    let mut is_cut = false;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            is_cut = true;
            break;
        };
        if let Ok(data) = frame.into_data()
            && sender.send(data).await.is_err()
        {
            break;
        }
    }
    drop(sender);
    let world = reading.await.map_err(|error| error.to_string())?;
    if is_cut { Err("the body ended too early".to_owned()) } else { world }
}

struct Outlet(Sender<Bytes>);

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(bytes));
        sent.map(|()| bytes.len()).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Inlet {
    pieces: Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Inlet {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}
