// sigstore-js as a program.
//   node sigstore.js verify ROOT BUNDLE [FILE]
//   node sigstore.js attest CONFIG TOKEN STATEMENT BUNDLE ENTRY_TYPE
//   node sigstore.js attestAction INSTANCE NAME SHA256 BUNDLE [PREDICATE_TYPE PREDICATE]
//     in a job of GitHub Actions: what its attest action does with what the toolkit gives it. It knows public-good and github,
//     by their names alone; without a predicate it makes the provenance itself, out of the claims of a token.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { bundleFromJSON, bundleToJSON } = require("@sigstore/bundle");
const { TrustedRoot } = require("@sigstore/protobuf-specs");
const { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } = require("@sigstore/sign");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const read = (path) => JSON.parse(fs.readFileSync(path, "utf8"));

function verify(root, bundle, file) {
  const material = toTrustMaterial(TrustedRoot.fromJSON(read(root)));
  const verifier = new Verifier(material, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  const artifact = file && fs.readFileSync(file);
  const signer = verifier.verify(toSignedEntity(bundleFromJSON(read(bundle)), artifact));
  const { subjectAlternativeName, extensions } = signer.identity;
  console.log(JSON.stringify({ identity: subjectAlternativeName, issuer: extensions.issuer }));
}

async function attest(config, token, statement, bundle, entryType) {
  const { signingConfig } = read(config);
  const [ca, rekor, tsa] = [signingConfig.caUrls[0], signingConfig.rekorTlogUrls[0], signingConfig.tsaUrls[0]];
  const signer = new FulcioSigner({ fulcioBaseURL: ca.url, identityProvider: { getToken: async () => token } });
  const log = new RekorWitness({ rekorBaseURL: rekor.url, majorApiVersion: rekor.majorApiVersion, entryType });
  const clock = new TSAWitness({ tsaBaseURL: new URL(tsa.url).origin });
  const builder = new DSSEBundleBuilder({ signer, witnesses: [log, clock] });
  const signed = await builder.create({ data: fs.readFileSync(statement), type: "application/vnd.in-toto+json" });
  fs.writeFileSync(bundle, JSON.stringify(bundleToJSON(signed)));
}

async function attestAction(instance, name, sha256, bundle, predicateType, predicate) {
  // A module of the new kind, which NODE_PATH does not find.
  const toolkit = path.join(process.env.NODE_PATH, "@actions", "attest", "lib", "index.js");
  const { attest, attestProvenance } = await import(pathToFileURL(toolkit));
  const wanted = { subjects: [{ name, digest: { sha256 } }], sigstore: instance, token: "none", skipWrite: true };
  const made = predicateType
    ? await attest({ ...wanted, predicateType, predicate: read(predicate) })
    : await attestProvenance(wanted);
  fs.writeFileSync(bundle, JSON.stringify(made.bundle) + "\n");
}

const [command, ...rest] = process.argv.slice(2);
Promise.resolve()
  .then(() => ({ verify, attest, attestAction })[command](...rest))
  .catch((error) => {
    console.error(`${error.code || error.name}: ${error.message}${error.cause ? ` (${error.cause.message || error.cause})` : ""}`);
    process.exitCode = 1;
  });
