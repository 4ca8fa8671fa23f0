// Verifies a message of standard input with the library of the specification, and prints its type.
'use strict';

const { Webhook } = require('standardwebhooks');

const { secret, headers, body } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
try {
  console.log(new Webhook(secret).verify(body, headers).type);
} catch {
  console.log('refused');
}
