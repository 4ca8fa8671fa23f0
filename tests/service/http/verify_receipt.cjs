// Verifies receipts of standard input with the cryptography of Node, and prints what each of them says.
'use strict';

const { createHash, createPublicKey, verify } = require('node:crypto');

const { receipts, keys } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));

function read(part) {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
}

// RFC 7638: the required members in the order of their names, without blanks.
function thumbprint({ crv, kty, x }) {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}

function said(receipt) {
  try {
    const [header, claims, signature] = receipt.split('.');
    const { alg, kid, typ } = read(header);
    const jwk = keys.find((key) => key.kid === kid && thumbprint(key) === kid && key.alg === alg);
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const bytes = Buffer.from(signature, 'base64url');
    const isRight = verify(null, Buffer.from(`${header}.${claims}`), key, bytes);
    return isRight ? { typ, kid, claims: read(claims) } : null;
  } catch {
    return null;
  }
}

console.log(JSON.stringify(receipts.map(said)));
