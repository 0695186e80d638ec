// sigstore-js as a program.
//   node sigstore.js verify ROOT BUNDLE [FILE]
//   node sigstore.js attest CONFIG TOKEN STATEMENT BUNDLE ENTRY_TYPE       (the way of GitHub's attest action)
"use strict";

const fs = require("node:fs");
const { bundleFromJSON, bundleToJSON } = require("@sigstore/bundle");
const { TrustedRoot } = require("@sigstore/protobuf-specs");
const { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } = require("@sigstore/sign");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const read = (path) => JSON.parse(fs.readFileSync(path, "utf8"));

function verify(root, path, file) {
  const material = toTrustMaterial(TrustedRoot.fromJSON(read(root)));
  const verifier = new Verifier(material, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  const artifact = file && fs.readFileSync(file);
  const signer = verifier.verify(toSignedEntity(bundleFromJSON(read(path)), artifact));
  const { subjectAlternativeName, extensions } = signer.identity;
  console.log(JSON.stringify({ identity: subjectAlternativeName, issuer: extensions.issuer }));
}

async function attest(config, token, statement, path, entryType) {
  const { signingConfig } = read(config);
  const [ca, rekor, tsa] = [signingConfig.caUrls[0], signingConfig.rekorTlogUrls[0], signingConfig.tsaUrls[0]];
  const signer = new FulcioSigner({ fulcioBaseURL: ca.url, identityProvider: { getToken: async () => token } });
  const log = new RekorWitness({ rekorBaseURL: rekor.url, majorApiVersion: rekor.majorApiVersion, entryType });
  const clock = new TSAWitness({ tsaBaseURL: new URL(tsa.url).origin });
  const builder = new DSSEBundleBuilder({ signer, witnesses: [log, clock] });
  const signed = await builder.create({ data: fs.readFileSync(statement), type: "application/vnd.in-toto+json" });
  fs.writeFileSync(path, JSON.stringify(bundleToJSON(signed)));
}

const [command, ...rest] = process.argv.slice(2);
Promise.resolve()
  .then(() => ({ verify, attest })[command](...rest))
  .catch((error) => {
    console.error(`${error.code || error.name}: ${error.message}${error.cause ? ` (${error.cause.message || error.cause})` : ""}`);
    process.exitCode = 1;
  });
