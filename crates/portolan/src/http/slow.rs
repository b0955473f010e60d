//! Bodies that come too slowly are given up, and so are connections whose answers nobody takes.

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::error::Error;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a body may take, and how long it may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) whole: Duration,
    pub(super) silence: Duration,
}

/// A body took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body took too long")]
pub(super) struct TooSlow;

/// A body with the time that is left for it, counted from when someone first had to wait for it.
struct Timed {
    body: Incoming,
    patience: Patience,
    whole: Option<Pin<Box<Sleep>>>,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// The body, which ends with [`TooSlow`] where it does not come in time.
    pub(super) fn with(self, body: Incoming) -> Body {
        if http_body::Body::is_end_stream(&body) {
            return Body::empty();
        }
        Body::new(Timed { body, patience: self, whole: None, silence: None })
    }
}

impl http_body::Body for Timed {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.silence = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let whole = this.whole.get_or_insert_with(|| Box::pin(sleep(this.patience.whole)));
        let silence = this.silence.get_or_insert_with(|| Box::pin(sleep(this.patience.silence)));
        if whole.as_mut().poll(context).is_pending() {
            ready!(silence.as_mut().poll(context));
        }
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that breaks off where the other side takes no byte for this long. Without it, whoever asks and never reads
/// would hold a place for ever.
#[derive(Debug)]
pub(super) struct Taken {
    stream: TcpStream,
    silence: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Taken {
    pub(super) fn within(silence: Duration, stream: TcpStream) -> Self {
        Self { stream, silence, waiting: None }
    }

    fn timed(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.silence)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "nobody took the answer")))
    }
}

impl AsyncRead for Taken {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
