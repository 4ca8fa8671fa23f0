//! Reads an upload of either format.

use futures::TryStreamExt;
use tokio::time::timeout;

use super::declared::{Form, Upload};
use super::destination::{Destination, Received};
use super::fields::{Fields, Origin, Purpose};
use super::form;
use crate::http::read_error;
use crate::problem::{Code, Problem};

impl Upload {
    /// Reads the whole body. Keeps nothing if it fails.
    pub async fn receive(self, purpose: Purpose, to: &Destination) -> Result<Received, Problem> {
        // A longer upload would collide with the cleanup.
        match timeout(to.patience, self.receive_all(purpose, to)).await {
            Ok(received) => received,
            Err(_) => Err(Code::RequestTimeout.into()),
        }
    }

    async fn receive_all(
        mut self,
        purpose: Purpose,
        to: &Destination,
    ) -> Result<Received, Problem> {
        match std::mem::replace(
            &mut self.form,
            Form::Raw {
                declared_type: None,
            },
        ) {
            Form::Raw { declared_type } => {
                let mut fields = Fields::begin(purpose, Origin::Query);
                fields.check_named()?;
                let body = self.body.into_bytes_stream().map_err(read_error);
                let bytes = to.stage(body, self.max, &self.digests).await?;
                Ok(Received {
                    bytes,
                    declared_type,
                    fields,
                })
            }
            Form::Multipart { boundary } => {
                let mut fields = Fields::begin(purpose, Origin::Form);
                fields.check()?;
                form::receive(self, boundary, fields, to).await
            }
        }
    }
}
