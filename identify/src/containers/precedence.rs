//! The order in which the container formats are tried.

use std::io;

use super::{bmff, der, media, tiff};
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
