//! Containers that hold many formats under one mark: which one, by what is
//! written inside.

mod bmff;
mod der;
mod media;
mod tiff;

use std::io;

use crate::finding::Finding;
use crate::window::Window;

/// What the container is, if the content is one of them.
pub(crate) fn judge(window: &mut Window) -> io::Result<Option<Finding>> {
    if let Some(found) = media::judge(window.head()) {
        return Ok(Some(found));
    }
    if let Some(found) = bmff::judge(window)? {
        return Ok(Some(found));
    }
    if let Some(found) = tiff::judge(window)? {
        return Ok(Some(found));
    }
    Ok(der::judge(window))
}
