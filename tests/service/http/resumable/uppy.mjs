// Uploads a file with Uppy, which pauses behind a third and goes on, and prints the upload's URL.
import fs from 'node:fs'
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'

const [api, key, file] = process.argv.slice(2)
const bytes = fs.readFileSync(file)
// Files of browsers tell their size.
Object.defineProperty(bytes, 'size', { value: bytes.length })

const uppy = new Uppy().use(Tus, {
  endpoint: `${api}/v1/uploads`,
  headers: { Authorization: `Bearer ${key}` },
  chunkSize: 2 * 1024 * 1024,
})
let paused = false
uppy.on('upload-progress', (_, { bytesUploaded, bytesTotal }) => {
  if (!paused && bytesUploaded > bytesTotal / 3) {
    paused = true
    uppy.pauseAll()
    setTimeout(() => uppy.resumeAll(), 100)
  }
})
uppy.addFile({ name: 'noise.bin', type: 'application/octet-stream', data: bytes })
const { successful, failed } = await uppy.upload()
if (!paused || failed.length > 0) {
  console.error(failed[0]?.error)
  process.exit(1)
}
console.log(successful[0].uploadURL)
