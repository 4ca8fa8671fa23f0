// Takes the key from the page that a sign-in ends with, and opens the console in its place.

import { key } from './api.js'

const meta = document.querySelector('meta[name=dossier-key]')
key.set(meta?.getAttribute('content') ?? '', 'provider')
meta?.remove()
location.replace('/console')
