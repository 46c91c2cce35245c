//! Multipart bodies: texts become parameters, files go to disk as they arrive.

use axum::body::Body;
use http::{HeaderMap, header};
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::json;
use stellarfw_transport::serve::BodyError;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt as _;

use super::{
    params::{BadBody, Read},
    portions::{Head, PortionError, Portions},
    uploads,
};
use crate::web::WebSettings;

/// The files of a request. They are deleted when it is over; an action that wants to keep one
/// moves it.
pub(super) type Uploads = Vec<TempPath>;

pub(super) async fn read(
    read: &mut Read,
    headers: &HeaderMap,
    body: Body,
    settings: &WebSettings,
) -> Result<(), BadBody> {
    let boundary = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| multer::parse_boundary(value).ok())
        .ok_or_else(|| BadBody::bad("The multipart body has no boundary"))?;
    let limit = SizeLimit::new().whole_stream(settings.max_upload as u64);
    let constraints = Constraints::new().size_limit(limit);
    let head = Head::default();
    let stream = Portions::new(body.into_data_stream(), head.clone());
    let mut multipart = Multipart::with_constraints(stream, boundary, constraints);
    let mut parts = 0_usize;
    let mut texts = 0_usize;
    while let Some(mut field) = {
        head.begin();
        multipart
            .next_field()
            .await
            .map_err(|e| fault(&e, settings))?
    } {
        head.end();
        parts += 1;
        if parts > settings.max_upload_parts {
            let text = format!("The form has more than {} parts", settings.max_upload_parts);
            return Err(BadBody::bad(text));
        }
        let Some(name) = field.name().map(str::to_owned) else {
            return Err(BadBody::bad("A part of the form has no name"));
        };
        if field.file_name().is_some() {
            file(read, name, field, settings).await?;
        } else {
            let mut bytes = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(|e| fault(&e, settings))? {
                texts += chunk.len();
                if texts > settings.max_body {
                    return Err(BadBody::too_long(settings.max_body));
                }
                // Beside the bytes there is their text.
                read.lease
                    .try_grow(chunk.len() * 2)
                    .map_err(|_| BadBody::no_room())?;
                bytes.extend_from_slice(&chunk);
            }
            // UTF-8, whatever else is told (RFC 7578 section 5.1.2): forms of pages are.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            read.put_text(name, text);
        }
    }
    Ok(())
}

/// Writes one file to disk; the parameter tells where it is and what it was called.
async fn file(
    read: &mut Read,
    name: String,
    mut field: Field<'_>,
    settings: &WebSettings,
) -> Result<(), BadBody> {
    let unwritable = |error: std::io::Error| {
        tracing::error!(%error, "an uploaded file could not be written");
        BadBody(
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "The file could not be written".into(),
        )
    };
    let (handle, path) = tokio::task::spawn_blocking(uploads::create)
        .await
        .map_err(|error| unwritable(error.into()))?
        .map_err(unwritable)?
        .into_parts();
    let file_name = field.file_name().unwrap_or_default().to_owned();
    let mime = field.content_type().map(ToString::to_string);
    let mut out = tokio::fs::File::from_std(handle);
    let mut size = 0_u64;
    while let Some(chunk) = field.chunk().await.map_err(|e| fault(&e, settings))? {
        size += chunk.len() as u64;
        out.write_all(&chunk).await.map_err(unwritable)?;
    }
    out.flush().await.map_err(unwritable)?;
    let told = json!({
        "path": path.to_string_lossy(),
        "name": file_name,
        "mime": mime,
        "size": size,
    });
    read.uploads.push(path);
    read.files.push(name.clone());
    read.put(name, told);
    Ok(())
}

fn fault(error: &multer::Error, settings: &WebSettings) -> BadBody {
    match error {
        error if BodyError::is_late(error) => BadBody::late(),
        multer::Error::StreamSizeExceeded { .. } => BadBody::too_long(settings.max_upload),
        multer::Error::StreamReadFailed(source) if source.is::<PortionError>() => {
            BadBody::bad(format!("The multipart body is broken: {source}"))
        }
        error => BadBody::bad(format!("The multipart body is broken: {error}")),
    }
}
