//! A body of JSON that is written at once. `Json` makes a tree of values of it before, which took a
//! fifth of the processor time of a page of documents.

use poem::http::header::CONTENT_TYPE;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde::Serialize;

/// A body that is described like `Json`, and means the same.
#[derive(Debug)]
pub struct Written<T>(pub T);

impl<T: Type> Payload for Written<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        Json::<T>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        Json::<T>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as Payload>::register(registry);
    }
}

impl<T: Type + Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.0).expect("the members of a body have texts as names");
        Response::builder()
            .header(CONTENT_TYPE, Self::CONTENT_TYPE)
            .body(body)
    }
}

impl<T: ToJSON + Serialize> ApiResponse for Written<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as ApiResponse>::register(registry);
    }
}
