//! What a handler leaves of a request's body. Whoever is refused at once has often not sent it yet; if the
//! connection ended then, as it does when nobody reads on, the caller could lose the answer, or its next
//! call. So the rest is read and thrown away, within bounds, while the answer is on its way.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// The most that is thrown away: some more than the largest bodies that are taken.
const LEFT_MAX: u64 = 8 * 1024 * 1024;
/// For all of it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where a body goes that its reader dropped before its end.
type Place<B> = Arc<Mutex<Option<B>>>;

/// A body that comes back when its reader is done with it.
pub(crate) struct Lent<B: Body + Unpin> {
    body: Option<B>,
    place: Place<B>,
}

/// Lends a request's body out.
pub(crate) fn lend<B: Body + Unpin>(request: Request<B>) -> (Request<Lent<B>>, Leftover<B>) {
    let place = Place::default();
    // Who waits for a word before it sends the body does not send it after a refusal.
    let waits = request.headers().contains_key(header::EXPECT);
    let lent = request.map(|body| Lent { body: Some(body), place: place.clone() });
    (lent, Leftover { place, waits })
}

/// What will be left of a body.
pub(crate) struct Leftover<B> {
    place: Place<B>,
    waits: bool,
}

impl<B> Leftover<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    /// Reads what is left, aside.
    pub(crate) fn discard(self) {
        let left = self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = left.filter(|_| !self.waits) else { return };
        tokio::spawn(async move {
            let all = async {
                let mut read = 0;
                while let Some(Ok(frame)) = body.frame().await {
                    read += frame.data_ref().map_or(0, |data| data.len() as u64);
                    if read > LEFT_MAX {
                        return;
                    }
                }
            };
            // Too slow is as good as too much: the connection ends then.
            let _ = tokio::time::timeout(TIMEOUT, all).await;
        });
    }
}

impl<B: Body + Unpin> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body + Unpin> Drop for Lent<B> {
    fn drop(&mut self) {
        let left = self.body.take().filter(|body| !body.is_end_stream());
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}
