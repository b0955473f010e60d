//! The OpenAPI 3.1 document: generated from the routes, completed with what every call shares.

use super::door::CALLBACKS;
use super::{Shared, repeat, reply};
use api::errors::{ErrorDocument, UnauthorizedDocument};
use api::paths::{ACCEPTED_API_VERSIONS, API_VERSION, API_VERSION_PARAMETER};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// This description of every call.
#[utoipa::path(get, path = "/openapi.json", operation_id = "get_openapi", tag = "Description",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Object)))]
pub(crate) async fn get_openapi(State(rooms): Shared) -> Response {
    reply::with_body(StatusCode::OK, rooms.description.clone())
}

/// Adds what the routes need not repeat: the api-version, the token, and the errors that any call can answer.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Portolan")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("The Cloud Partner Portal publishing API, api-version 2017-10-31."))
        .build();
    let mut components = ComponentsBuilder::from(document.components.take().unwrap_or_default())
        .security_scheme("bearer", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()))
        .schema("ErrorDocument", ErrorDocument::schema())
        .schema("UnauthorizedDocument", UnauthorizedDocument::schema());
    let mut schemas = Vec::new();
    <ErrorDocument as ToSchema>::schemas(&mut schemas);
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    document.components = Some(components.build());
    for (path, item) in &mut document.paths.paths {
        if path.starts_with(CALLBACKS) {
            operations(item).for_each(errors);
        } else if path.starts_with("/api/") {
            operations(item).for_each(share);
            if let Some(post) = &mut item.post {
                post.parameters.get_or_insert_default().extend(keys().map(RefOr::T));
            }
        } else if path.starts_with("/catalog/") {
            operations(item).for_each(describe_errors);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
}

fn share(operation: &mut Operation) {
    operation.parameters.get_or_insert_default().push(RefOr::T(api_version()));
    operation.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    errors(operation);
}

fn errors(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    responses
        .insert("401".into(), error("The token, or the signature, is missing or not valid.", "UnauthorizedDocument"));
    describe_errors(operation);
}

fn describe_errors(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    responses.insert("4XX".into(), error("The request was refused, and changed nothing.", "ErrorDocument"));
    responses.insert("5XX".into(), error("The service could not.", "ErrorDocument"));
}

fn api_version() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(ACCEPTED_API_VERSIONS));
    ParameterBuilder::new()
        .name(API_VERSION_PARAMETER)
        .parameter_in(ParameterIn::Query)
        .required(Required::True)
        .schema(Some(schema))
        .example(Some(API_VERSION.into()))
        .build()
}

/// The headers by which a request is done once, however often it is sent.
fn keys() -> impl Iterator<Item = Parameter> {
    let once =
        "A GUID. The same request with the same key is done once in 7 days; sent again it gets the first answer.";
    let key = "The same, as a text of 1 to 255 ASCII characters.";
    let sent = "When it was sent first, as an HTTP date. Beside Repeatability-Request-ID only.";
    [(repeat::REQUEST_ID, once), (repeat::FIRST_SENT, sent), (repeat::IDEMPOTENCY_KEY, key)].into_iter().map(header)
}

fn header((name, description): (&str, &str)) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

fn error(description: &str, schema: &str) -> RefOr<utoipa::openapi::Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    RefOr::T(ResponseBuilder::new().description(description).content("application/json", content).build())
}
