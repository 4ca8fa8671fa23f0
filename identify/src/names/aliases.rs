//! Which names mean the same type: one class a line, the canonical name first.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Classes of names, separated by blanks.
const CLASSES: &[&str] = &[
    "application/x.autodesk.fbx model/x-fbx",
    "application/vnd.google.draco model/x-draco",
    "application/x-nintendo-nes-rom application/x-nes-rom",
    "application/x-font-adobe-metric application/x-font-afm",
    "application/x.apple.alias application/x-apple-alias",
    "application/vnd.shp application/x-esri-shape application/x-shapefile",
    "application/vnd.ms-visio.drawing.macroenabled.main+xml application/vnd.ms-visio.drawing.macroenabled.12",
    "application/vnd.ms-visio.stencil.macroenabled.main+xml application/vnd.ms-visio.stencil.macroenabled.12",
    "application/vnd.ms-visio.template.macroenabled.main+xml application/vnd.ms-visio.template.macroenabled.12",
    "audio/eac3 audio/x-eac3",
    "application/warc application/x-warc",
    "application/pdf application/x-pdf application/illustrator application/vnd.adobe.illustrator application/postscript-ai",
    "application/rtf text/rtf application/x-rtf text/richtext",
    "application/xml text/xml",
    "text/javascript application/javascript application/x-javascript application/ecmascript text/x-javascript text/jscript text/ecmascript",
    "application/vnd.rar application/x-rar application/x-rar-compressed application/rar",
    "application/gzip application/x-gzip application/x-compressed-tar application/x-gunzip application/gzip-compressed",
    "application/x-bzip2 application/x-bzip application/x-bzip-compressed-tar application/bzip2",
    "application/x-xz application/x-xz-compressed-tar",
    "application/zstd application/x-zstd application/x-zstd-compressed-tar",
    "application/x-lz4 application/x-lz4-compressed-tar",
    "application/x-lzip application/lzip application/x-lzip-compressed-tar",
    "application/x-compress application/x-compressed-tar-z application/x-tarz",
    "application/x-lha application/x-lzh-compressed application/x-lzh application/x-lharc",
    "application/x-tar application/x-gtar application/x-ustar application/x-pax application/tar",
    "application/x-arj application/arj application/x-arj-compressed",
    "application/x-ace-compressed application/x-ace",
    "application/x-archive application/x-unix-archive application/x-ar text/x-archive",
    "application/vnd.debian.binary-package application/x-deb application/x-debian-package",
    "application/x-rpm application/x-redhat-package-manager",
    "application/java-archive application/x-java-archive application/x-jar application/jar",
    "application/vnd.android.package-archive application/x-apk application/vnd.android.package",
    "application/x-chrome-extension application/x-google-chrome-extension",
    "application/vnd.ms-cab-compressed application/vnd.ms-cab application/x-cab application/x-ms-cab",
    "application/vnd.microsoft.portable-executable application/x-dosexec application/x-msdownload application/x-msdos-program application/x-ms-dos-executable application/x-msdos-executable application/exe application/x-exe application/x-windows-exe",
    "application/x-elf application/x-executable application/x-sharedlib application/x-pie-executable application/x-object application/x-coredump application/x-pie",
    "application/x-mach-binary application/x-mach-o application/x-apple-mach-binary",
    "application/java-vm application/x-java application/java-byte-code application/x-java-applet application/java application/x-java-class application/x-java-vm",
    "application/x-msi application/x-ms-installer application/x-windows-installer",
    "application/x-ms-shortcut application/x-win-lnk application/lnk",
    "application/vnd.sqlite3 application/x-sqlite3 application/x-sqlite",
    "application/x-msaccess application/vnd.ms-access application/msaccess application/mdb",
    "application/x-dbf application/dbf application/dbase application/x-dbase",
    "application/vnd.ms-htmlhelp application/vnd.ms-html-help application/x-chm application/chm application/x-mshelp",
    "application/x-mobipocket-ebook application/vnd.amazon.mobi8-ebook",
    "application/vnd.ms-xpsdocument application/xps application/oxps application/vnd.ms-package.xps-fixeddocumentsequence+xml",
    "application/vnd.ms-publisher application/x-mspublisher",
    "application/vnd.ms-project application/x-msproject",
    "application/vnd.visio application/vnd.visio2 application/x-visio",
    "application/onenote application/msonenote application/onenoteformatone application/vnd.ms-onenote",
    "application/x-hwp application/x-hwp-v5 application/haansofthwp application/vnd.hancom.hwp application/x-hwp-v2",
    "application/vnd.wordperfect application/wordperfect application/x-wordperfect",
    "application/x-mswrite application/x-ms-write",
    "application/x-adobe-indesign application/x-indesign",
    "application/vnd.ms-outlook-pst application/vnd.ms-outlook.pst application/vnd.ms-outlook-pst2",
    "application/mbox application/x-mbox text/x-mbox",
    "message/rfc822 text/x-mail",
    "multipart/related application/x-mimearchive message/rfc822-mht application/mhtml",
    "text/calendar application/ics text/x-vcalendar-ics text/x-vcalendar",
    "text/vcard text/x-vcard text/directory",
    "application/x-empty inode/x-empty application/x-zerosize inode/empty",
    "text/markdown text/x-markdown",
    "text/csv text/x-csv application/csv text/comma-separated-values application/x-csv text/x-comma-separated-values",
    "text/tab-separated-values text/x-tsv text/tsv",
    "application/yaml text/x-yaml application/x-yaml text/yaml text/vnd.yaml",
    "application/toml text/x-toml",
    "application/x-ndjson application/json-lines application/jsonl application/x-jsonlines application/x-json-lines application/ndjson",
    "application/x-subrip text/srt text/x-srt",
    "application/vnd.google-earth.kml+xml application/kml",
    "application/pkcs7-mime application/x-pkcs7-mime",
    "application/pkcs7-signature application/x-pkcs7-signature",
    "application/x-pkcs12 application/pkcs12 application/pkcs-12",
    "application/pgp-encrypted application/pgp application/pgp-keys application/pgp-signature text/pgp",
    "application/x-x509-cert application/x-x509-ca-cert application/pkix-cert application/x-pem-file",
    "text/x-ms-regedit text/x-registry text/x-win-registry",
    "text/x-tex application/x-tex application/x-latex text/x-latex",
    "text/x-bibtex application/x-bibtex-text-file application/x-bibtex",
    "image/bmp image/x-ms-bmp image/x-bmp",
    "image/vnd.adobe.photoshop image/x-photoshop image/psd application/x-photoshop",
    "image/vnd.microsoft.icon image/x-icon image/ico",
    "image/x-win-bitmap image/x-cursor image/x-icon-cur",
    "image/vnd.dwg image/x-dwg application/dwg application/acad application/x-dwg application/x-autocad application/autocad_dwg",
    "image/vnd.dxf image/x-dxf application/dxf",
    "image/emf image/x-emf application/x-emf application/emf application/x-msmetafile-emf",
    "image/wmf image/x-wmf application/wmf application/x-msmetafile image/wmf-x",
    "image/icns image/x-icns",
    "image/jp2 image/jpeg2000 image/x-jp2",
    "image/vnd.djvu image/vnd.djvu+multipage image/x-djvu",
    "image/apng image/vnd.mozilla.apng application/vnd.mozilla.apng",
    "image/jxr image/vnd.ms-photo",
    "image/x-xcf image/x-gimp",
    "image/x-canon-cr2 image/x-dcraw image/x-raw-canon",
    "image/vnd.radiance image/x-hdr image/vnd.radiance-x",
    "image/x-exr image/exr image/aces",
    "image/vnd.ms-dds image/x-dds",
    "image/vnd.zbrush.pcx image/x-pcx",
    "image/vnd.zbrush.dcx image/x-dcx",
    "image/heif image/heif-sequence image/mif1",
    "image/heic image/heic-sequence",
    "image/tiff image/tiff-fx image/tif image/x-tiff",
    "application/dicom image/dicom-rle",
    "audio/vnd.wave audio/wav audio/x-wav audio/wave",
    "audio/flac audio/x-flac",
    "audio/aiff audio/x-aiff audio/x-aifc",
    "audio/aac audio/x-aac audio/x-hx-aac-adts audio/aacp audio/x-hx-aac-adif",
    "audio/mp4 audio/x-m4a audio/m4a audio/m4b audio/x-m4b",
    "audio/mpeg audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3",
    "audio/ogg audio/vorbis audio/opus audio/speex application/ogg audio/x-vorbis+ogg audio/x-opus+ogg audio/x-speex+ogg audio/x-flac+ogg audio/x-vorbis audio/x-speex",
    "audio/midi audio/x-midi",
    "audio/x-ape audio/ape audio/x-monkeys-audio",
    "audio/basic audio/x-basic",
    "audio/vnd.dolby.dd-raw audio/ac3",
    "audio/x-wavpack audio/wavpack audio/wv",
    "audio/x-musepack audio/musepack",
    "audio/x-dsf audio/dsf audio/x-dsd",
    "audio/amr audio/amr-wb audio/x-amr",
    "audio/x-ms-wma video/x-ms-asf video/x-ms-wmv application/vnd.ms-asf audio/x-ms-asf",
    "video/x-matroska video/matroska application/x-matroska",
    "video/x-m4v video/mp4-m4v",
    "video/quicktime video/x-quicktime",
    "video/x-msvideo video/avi video/vnd.avi video/msvideo",
    "video/mpeg video/mp1s video/mp2p video/mpv video/x-mpeg",
    "video/3gpp video/3gp",
    "video/mp2t video/mp2t-ts video/vnd.dlna.mpeg-tts video/avchd-stream",
    "application/vnd.adobe.flash.movie application/x-shockwave-flash",
    "font/ttf application/x-font-ttf application/font-sfnt font/sfnt application/x-font-truetype font/truetype application/x-truetype-font application/font-ttf",
    "font/otf application/vnd.ms-opentype application/x-font-otf font/opentype application/x-font-opentype",
    "font/woff application/font-woff application/x-font-woff",
    "application/vnd.ms-fontobject application/x-font-eot",
    "application/postscript image/x-eps application/eps",
    "application/vnd.tcpdump.pcap application/x-pcap",
    "application/vnd.apache.parquet application/x-parquet",
    "application/x-apple-diskimage application/x-iso9660-image-dmg",
    "application/x-fictionbook+xml application/x-fb2+xml application/x-fictionbook application/fb2 application/x-fb2",
    "application/x-xpinstall application/x-xpi",
    "application/vnd.ms-excel application/msexcel application/x-msexcel application/excel application/vnd.msexcel application/x-excel",
    "application/msword application/doc application/vnd.ms-word",
    "application/vnd.ms-powerpoint application/mspowerpoint application/powerpoint",
    "text/x-c text/x-csrc text/x-chdr",
    "text/x-c++ text/x-c++src text/x-cpp text/x-c++hdr",
    "text/x-python text/x-script.python application/x-python text/x-python3 text/x-python-script",
    "text/x-ruby application/x-ruby text/x-ruby-script",
    "text/x-php application/x-php application/x-httpd-php text/php application/php",
    "text/x-perl application/x-perl text/x-perl-script",
    "text/x-shellscript application/x-sh application/x-shellscript text/x-sh",
    "text/x-msdos-batch application/x-bat application/x-msdos-bat text/x-batch application/bat",
    "text/x-java text/x-java-source",
    "text/rust text/x-rust",
    "text/x-go text/x-golang",
    "application/typescript text/typescript text/x-typescript application/x-typescript",
    "text/x-lua application/x-lua",
    "text/x-csharp text/x-cs",
    "text/x-makefile text/makefile",
    "text/x-r text/x-rsrc",
    "application/sql text/x-sql application/x-sql",
    "application/x-powershell text/x-powershell",
    "text/x-vbscript text/vbscript text/vbs",
    "text/x-asm text/asm text/x-assembly",
    "application/x-bytecode.python application/x-python-code",
    "model/3mf application/vnd.ms-3mfdocument application/vnd.ms-package.3dmanufacturing-3dmodel+xml application/vnd.ms-3mf",
    "image/qoi image/x-qoi",
    "application/avro application/vnd.apache.avro",
    "video/mp4 application/mp4 application/x-mp4 video/x-mp4",
    "model/stl application/sla application/vnd.ms-pki.stl model/x.stl-ascii model/x.stl-binary",
    "application/vnd.ms-visio.drawing.main+xml application/vnd.visio-ooxml application/vnd.ms-visio.drawing application/vnd-ms-visio.drawing",
    "application/vnd.ms-visio.template.main+xml application/vnd.ms-visio.template",
    "application/vnd.oasis.opendocument.base application/vnd.oasis.opendocument.database application/vnd.sun.xml.base",
    "application/x-ole-storage application/x-cfb application/cdfv2 application/x-tika-msoffice application/vnd.ms-office",
    "application/x-tika-ooxml-protected application/encrypted",
    "application/vnd.apache.arrow.file application/vnd.apache.arrow.stream-x",
    "application/x-cpio application/x-sv4cpio",
    "application/vnd.lotus-1-2-3 application/x-123",
    "application/zlib application/x-zlib",
    "application/vnd.ms-word.document.macroenabled.12 application/vnd.ms-word.document.macroenabled",
    "application/vnd.ms-excel.sheet.macroenabled.12 application/vnd.ms-excel.sheet.macroenabled",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12 application/vnd.ms-excel.sheet.binary.macroenabled",
    "application/x-quattro-pro application/x-quattropro",
    "application/x-hdf application/x-hdf5 application/x-hdf4",
    "text/vnd.graphviz text/x-dot",
    "application/x-webarchive application/x-bplist",
    "application/zip application/x-zip-compressed application/x-zip multipart/x-zip application/zip-compressed",
    "image/jpeg image/jpg image/pjpeg",
    "image/png image/x-png",
    "application/json application/x-json text/json text/x-json",
    "text/html text/x-html application/html",
    "image/svg+xml image/svg image/svg-xml",
    "application/x-dvi application/x-tex-dvi application/vnd.dvi",
    "application/vnd.ms-tnef application/tnef application/ms-tnef",
    "image/x-tga image/targa image/x-targa image/tga image/x-icb",
    "image/x-pict image/x-pic image/pict",
    "text/troff application/x-troff application/x-troff-man text/x-troff",
    "text/x-diff text/patch text/x-patch text/diff",
    "application/x-netcdf application/x-netcdf4 application/netcdf",
    "application/fits image/fits application/x-fits",
    "text/x-ldif text/ldif application/x-ldif",
    "text/x-gettext-translation text/x-po application/x-gettext",
    "application/pkcs8 application/x-pkcs8 application/pkcs8-encrypted",
    "application/pkcs10 application/pkcs-10 application/x-pkcs10",
    "application/pkix-crl application/x-pkcs7-crl",
    "application/x-bittorrent application/bittorrent",
    "application/geo+json application/x-geojson application/vnd.geo+json",
    "image/x-xpixmap application/x-xpixmap image/x-xpm image/xpm",
    "image/x-xbitmap image/x-xbm",
    "audio/x-mpegurl application/vnd.apple.mpegurl application/x-mpegurl audio/mpegurl",
    "application/xslt+xml text/xsl",
    "application/mac-binhex40 application/mac-binhex application/x-mac-binhex40",
    "application/geopackage+sqlite3 application/vnd.geopackage+sqlite3",
    "image/x-sony-arw image/x-raw-sony",
    "image/x-nikon-nef image/x-raw-nikon",
    "image/x-adobe-dng image/x-raw-adobe image/dng",
    "image/x-fujifilm-raf image/x-fuji-raf image/x-raw-fuji",
    "image/x-olympus-orf image/x-raw-olympus",
    "image/x-panasonic-rw2 image/x-raw-panasonic image/x-panasonic-raw",
    "image/x-pentax-pef image/x-raw-pentax",
    "application/vnd.ms-visio.stencil.main+xml application/vnd.ms-visio.stencil",
    "application/flatgeobuf application/vnd.flatgeobuf",
    "application/vnd.laszip application/vnd.las+zip",
    "application/vnd.apple.pages application/x-iwork-pages-sffpages application/vnd.apple.pages.13",
    "application/vnd.apple.numbers application/x-iwork-numbers-sffnumbers application/vnd.apple.numbers.13",
    "application/vnd.apple.keynote application/x-iwork-keynote-sffkey application/vnd.apple.keynote.13",
    "application/x-ios-app application/x-itunes-ipa",
    "application/x-iso9660-image application/x-cd-image-iso application/x-iso9660",
    "application/x-vdi-disk application/x-virtualbox-vdi",
    "application/x-vmdk-disk application/x-virtualbox-vmdk application/x-vmdk",
    "application/x-vhd-disk application/x-virtualbox-vhd application/x-vhd",
    "application/x-vhdx-disk application/x-virtualbox-vhdx",
    "application/x-ms-wim application/vnd.ms-wim application/x-wim",
    "application/x-sas-xport application/x-sas-transport",
    "application/x-matlab-data application/matlab-mat",
    "text/x-objective-c text/x-objcsrc text/x-objc",
    "text/x-haskell text/x-haskell-src",
    "application/x-stata-dta application/stata-dta",
    "image/nitf application/vnd.nitf application/nitf image/ntf",
    "application/x-grib",
    "audio/x-caf audio/caf",
    "audio/x-mod audio/mod",
    "image/x-jp2-codestream image/j2c image/x-j2c",
    "image/x-wpg application/x-wpg",
    "application/x-mswinurl application/internet-shortcut wwwserver/redirection",
    "application/x-7z-compressed application/x-7zip application/7z",
    "font/woff2 application/font-woff2 application/x-font-woff2",
];

/// The canonical name of a type, lower case and without parameters; unknown
/// names stand for themselves.
pub(crate) fn canonical(media_type: &str) -> String {
    let bare = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match CANONICAL.get(bare.as_str()) {
        Some(canonical) => (*canonical).to_owned(),
        None => bare,
    }
}

/// Whether two names mean one type.
#[cfg(test)]
pub(crate) fn same(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

/// The canonical name as the table has it, for names that are in it.
pub(crate) fn canonical_static(media_type: &str) -> Option<&'static str> {
    CANONICAL
        .get(media_type.to_ascii_lowercase().as_str())
        .copied()
}

/// The canonical name of each name.
static CANONICAL: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let classes = CLASSES.iter().filter_map(|class| {
        let canonical = class.split(' ').next()?;
        Some(class.split(' ').map(move |name| (name, canonical)))
    });
    classes.flatten().collect()
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_is_in_two_classes() {
        let mut seen = BTreeSet::new();
        for name in CLASSES.iter().flat_map(|class| class.split(' ')) {
            assert!(seen.insert(name), "{name} is in two classes");
        }
    }

    #[test]
    fn parameters_and_case_do_not_matter() {
        assert!(same("Text/XML; charset=utf-8", "application/xml"));
        assert!(!same("text/html", "application/xml"));
    }
}
