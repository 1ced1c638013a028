//! The API and the hub that it is for, as a service.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};

use super::{Api, Control};
use crate::http::{Caller, Service};

/// The API of one hub.
pub(crate) struct ApiService {
    pub(crate) api: Arc<Api>,
    pub(crate) control: Arc<dyn Control>,
}

impl fmt::Debug for ApiService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiService").field(&self.api).finish()
    }
}

impl Service for ApiService {
    fn admit(&self, head: &Request<()>, caller: &Caller) -> Result<usize, Box<Response<Bytes>>> {
        self.api.admit(head, caller)
    }

    fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.api.call(request, &*self.control)
    }
}
