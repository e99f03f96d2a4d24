// The witness of JavaScript programs: takes the secret and all that it will need before the program runs.
//
// The tests are a script of their own after the program's, which sees what that declared. They are strict code, so that
// no function that they call can look at its caller's text, in a function whose parameters are the builtins they use: a
// program's own `console` or `JSON` is not theirs. What programs could bend under the tests, the methods of arrays and
// strings, is locked, and so are the modules assert and util. console.assert throws, as the benchmarks mean it to. Until
// it is given the secret is masked, so that a search of the memory finds nothing that looks like one.
'use strict';

const { closeSync, readFileSync, readSync, unlinkSync, writeSync } = require('fs');
const { runInThisContext } = require('vm');
const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { ownKeys } = Reflect;
const stop = process.reallyExit.bind(process);
const assertions = require('assert');
const mask = require('crypto').randomBytes(256);
const load = require;

const buffer = Buffer.alloc(256);
const secret = buffer.subarray(0, readSync(3, buffer));
closeSync(3);
turn();

const DENIED = ['child_process', 'cluster', 'inspector', 'module', 'repl', 'v8', 'vm', 'worker_threads'];
const GIVEN = [
  'Array', 'BigInt', 'Boolean', 'Infinity', 'JSON', 'Map', 'Math', 'NaN', 'Number', 'Object', 'Promise', 'RegExp',
  'Set', 'String', 'Symbol', 'console', 'isNaN', 'parseFloat', 'parseInt', 'process', 'require', 'undefined',
];
let failure = '';

function turn() {
  for (let at = 0; at < secret.length; at++) secret[at] ^= mask[at];
}

function fix(object, name, value) {
  defineProperty(object, name, { value, writable: false, configurable: false, enumerable: false });
}

function lock(prototype) {
  for (const name of ownKeys(prototype)) {
    const { value } = getOwnPropertyDescriptor(prototype, name);
    if (typeof value === 'function' && name !== 'constructor') fix(prototype, name, value);
  }
}

function assert(held, ...words) {
  if (held) return;
  failure = failure || `fail: ${typeof words[0] === 'string' ? words[0] : 'console.assert'}`;
  throw new Error('an assertion of the tests does not hold');
}

function requireSome(name) {
  const plain = `${name}`.replace(/^node:/, '').split('/')[0];
  if (plain === '' || plain[0] === '.' || DENIED.indexOf(plain) >= 0) throw new Error(`Cannot find module '${name}'`);
  return load(name);
}

for (const type of [Array, String, Number, Boolean, BigInt, Map, Set, RegExp]) lock(type.prototype);
for (const iterable of [[], '', new Map(), new Set()]) lock(getPrototypeOf(iterable[Symbol.iterator]()));
for (const type of [Object, Array, String, Number, Boolean, BigInt]) fix(type.prototype, 'toJSON', undefined);
fix(console, 'assert', assert);
fix(globalThis, 'require', requireSome);
globalThis.module = { exports: {} };
globalThis.exports = globalThis.module.exports;
for (const functions of [assertions, assertions.strict, load('util')]) {
  for (const name of ownKeys(functions)) if (typeof functions[name] === 'function') freeze(functions[name]);
  freeze(functions);
}
delete process.mainModule;
delete process.binding;
delete process._linkedBinding;
delete process.dlopen;
delete process.kill;
delete process._debugProcess;
const given = GIVEN.map((name) => globalThis[name]);
for (const object of [JSON, Math, Reflect, Object, Array, Number, String, console, given]) freeze(object);
fix(globalThis, 'given_TAG', given);

const [program, tests] = ['program.js', 'tests.js'].map((name) => readFileSync(name, 'utf8'));
for (const name of ['program.js', 'tests.js', 'witness.js']) unlinkSync(name);
const arguments_ = GIVEN.map((_, place) => `given_TAG[${place}]`);

try {
  runInThisContext(program, { filename: 'program.js' });
  runInThisContext(`'use strict'; ((${GIVEN}) => {${tests}\n})(${arguments_});`, { filename: 'tests.js' });
  if (failure) throw new Error(failure);
} catch (error) {
  if (error && error.code === 'ERR_ASSERTION') failure = failure || 'fail: assert';
  writeSync(2, `${error && error.stack}\n`);
  if (failure) writeSync(4, failure.slice(0, 200));
  stop(1);
}
turn();
writeSync(4, secret);
stop(0);
