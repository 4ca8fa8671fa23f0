// Uploads a file with tus-js-client in one of several ways, and prints the upload's URL.
const fs = require('fs')
const { PassThrough } = require('stream')
const tus = require('tus-js-client')

const [way, api, key, file] = process.argv.slice(2)
const options = {
  endpoint: `${api}/v1/uploads`,
  headers: { Authorization: `Bearer ${key}` },
  metadata: { filename: 'noise.bin', filetype: 'application/octet-stream' },
  chunkSize: 2 * 1024 * 1024,
  retryDelays: [0, 100, 500],
}

function upload(more, stream = fs.createReadStream(file)) {
  return new Promise((resolve, reject) => {
    const started = new tus.Upload(stream, {
      ...options,
      ...more,
      onError: reject,
      onSuccess: () => resolve(started.url),
      onProgress: (sent) => more.onProgress && more.onProgress(sent, started, resolve),
    })
    started.start()
  })
}

async function run() {
  const uploadSize = fs.statSync(file).size
  switch (way) {
    case 'deferred':
      // A stream whose length nobody knows.
      return upload({ uploadLengthDeferred: true }, fs.createReadStream(file).pipe(new PassThrough()))
    case 'with-creation':
      return upload({ uploadSize, uploadDataDuringCreation: true })
    case 'parallel': {
      // A path, so that several parts can be read at once.
      return new Promise((resolve, reject) => {
        const started = new tus.Upload(fs.createReadStream(file), {
          ...options,
          parallelUploads: 3,
          onError: reject,
          onSuccess: () => resolve(started.url),
        })
        started.start()
      })
    }
    case 'ended':
    case 'pieces': {
      // Stops behind a third, and goes on at the same URL.
      let stopped = false
      const url = await upload({
        uploadSize,
        onProgress: (sent, started, resolve) => {
          if (!stopped && sent > uploadSize / 3) {
            stopped = true
            started.abort(way === 'ended').then(() => resolve(started.url))
          }
        },
      })
      if (way === 'ended') {
        return 'ended'
      }
      return upload({ uploadSize, uploadUrl: url })
    }
    default:
      throw new Error(way)
  }
}

run().then(
  (url) => console.log(url),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
