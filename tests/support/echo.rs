//! An HTTP service that answers with what it was asked.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::AUTHORIZATION};
use switchboard::http::{Caller, Service};

/// `/size/N` is answered with so many bytes, all else with the method, the path and the body. Only
/// who shows a token may send a body.
#[derive(Debug)]
pub struct Echo;

impl Service for Echo {
    fn admit(&self, head: &Request<()>, _: &Caller) -> Result<usize, Box<Response<Bytes>>> {
        let is_read = [Method::GET, Method::HEAD].contains(head.method());
        if is_read || head.headers().contains_key(AUTHORIZATION) {
            return Ok(usize::MAX);
        }
        let mut response = Response::new(Bytes::from_static(b"who are you?"));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        Err(Box::new(response))
    }

    fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let size = path.strip_prefix("/size/").and_then(|size| size.parse::<usize>().ok());
        Response::new(match size {
            Some(size) => vec![b'x'; size].into(),
            None => {
                let line = format!("{} {path} ", request.method());
                [line.as_bytes(), request.body()].concat().into()
            }
        })
    }
}
