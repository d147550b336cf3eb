// A copy of the project in which mutants are compiled and tested.
//
// It is built once. A mutant is compiled on its own, only the contracts that contain it, and takes the place of their
// bytecode in forge's output: forge finds its sources unchanged, compiles nothing, and runs the tests on the mutant.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A test run that takes longer hangs, which is noticed, too. */
const TIMEOUT_MS = 900_000;
/** What forge builds, and a copy of it as of before the first mutant. */
const OUTPUT = 'target/forge';
const UNTOUCHED = 'target/untouched';
const CACHE = 'target/forge/cache/solidity-files-cache.json';

export class Workplace {
  constructor(root, folder) {
    this.folder = folder;
    const memory = join(folder, 'target/solc');
    mkdirSync(memory, { recursive: true });
    this.env = { ...process.env, PLUMBLINE_SOLC_MEMORY: memory };
    for (const path of ['contracts', 'tools', 'foundry.toml']) {
      rmSync(join(folder, path), { recursive: true, force: true });
      cpSync(join(root, path), join(folder, path), { recursive: true });
    }
    // A run that was interrupted leaves a mutant behind.
    rmSync(join(folder, OUTPUT), { recursive: true, force: true });
    if (existsSync(join(folder, UNTOUCHED))) cpSync(join(folder, UNTOUCHED), join(folder, OUTPUT), { recursive: true });
    if (!existsSync(join(folder, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    this.#run(['build']);
    rmSync(join(folder, UNTOUCHED), { recursive: true, force: true });
    cpSync(join(folder, OUTPUT), join(folder, UNTOUCHED), { recursive: true });
    const { remappings, evm_version } = JSON.parse(this.#run(['config', '--json']));
    this.remappings = remappings;
    this.settings = { remappings, evmVersion: evm_version, optimizer: { enabled: false }, metadata: { appendCBOR: false, bytecodeHash: 'none' } };
    const { files } = JSON.parse(readFileSync(join(folder, CACHE), 'utf8'));
    this.artifacts = Object.fromEntries(Object.entries(files).map(([file, { artifacts }]) => [file, artifacts]));
    this.originals = new Map();
    this.#readImports();
  }

  #run(args) {
    const { status, stdout, stderr } = spawnSync('tools/forge', args, { cwd: this.folder, env: this.env, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(`forge ${args.join(' ')} fails on the contracts as they are:\n${stdout}${stderr}`);
    return stdout;
  }

  #readImports() {
    const ours = readdirSync(join(this.folder, 'contracts'), { recursive: true })
      .filter((file) => file.endsWith('.sol'))
      .map((file) => `contracts/${file}`);
    this.imports = Object.fromEntries(ours.map((file) => [file, this.#importsOf(file)]));
  }

  #importsOf(file) {
    const text = readFileSync(join(this.folder, file), 'utf8');
    return [...text.matchAll(/^import [^;]*?"([^"]+)";/gm)].map(([, path]) => this.#resolve(file, path));
  }

  #resolve(from, path) {
    if (path.startsWith('.')) return normalize(join(dirname(from), path));
    const [prefix, target] = this.remappings.map((text) => text.split('=')).find(([prefix]) => path.startsWith(prefix));
    return target + path.slice(prefix.length);
  }

  /** Files with contracts that contain the code of a file: those of `src` at any remove, and tests that import it. */
  #containing(file) {
    const containing = new Set([file]);
    const importers = (of, under) => Object.keys(this.imports).filter((from) => from.startsWith(under) && this.imports[from].includes(of));
    for (const found of containing) importers(found, 'contracts/src/').forEach((from) => containing.add(from));
    importers(file, 'contracts/test/')
      .filter((from) => file.includes('/libraries/') && !from.includes('/symbolic/'))
      .forEach((from) => containing.add(from));
    return [...containing];
  }

  /** Bytecode of all contracts in some files, one of which may be replaced; none when that does not compile. */
  #compile(files, replaced, text) {
    const sources = {};
    const add = (file) => {
      if (file in sources) return;
      sources[file] = { content: file === replaced ? text : readFileSync(join(this.folder, file), 'utf8') };
      (this.imports[file] ??= this.#importsOf(file)).forEach(add);
    };
    files.forEach(add);
    const wanted = { '*': ['evm.bytecode.object', 'evm.deployedBytecode.object'] };
    const settings = { ...this.settings, outputSelection: Object.fromEntries(files.map((file) => [file, wanted])) };
    const input = JSON.stringify({ language: 'Solidity', sources, settings });
    const env = { ...this.env, PLUMBLINE_SOLC_MEMORY: '' };
    const { stdout } = spawnSync('tools/solc', ['--standard-json'], { cwd: this.folder, env, input, encoding: 'utf8', maxBuffer: 2 ** 28 });
    const { contracts, errors = [] } = JSON.parse(stdout);
    return errors.some(({ severity }) => severity === 'error') ? undefined : contracts;
  }

  #original(file, files) {
    if (!this.originals.has(file)) this.originals.set(file, this.#compile(files));
    return this.originals.get(file);
  }

  /** Puts a mutant's bytecode in the place of the original's: gives `invalid` or `equal` when there is nothing to test. */
  install({ file, mutated }) {
    const files = this.#containing(file);
    const original = this.#original(file, files);
    const compiled = this.#compile(files, file, mutated);
    if (!compiled) return 'invalid';
    const code = (contracts) => JSON.stringify(files.map((name) => Object.values(contracts[name] ?? {}).map(({ evm }) => evm.bytecode.object)));
    if (code(compiled) === code(original)) return 'equal';
    this.#replace(compiled);
    return undefined;
  }

  /** The original again. */
  restore({ file }) {
    this.#replace(this.originals.get(file));
  }

  #replace(contracts) {
    for (const [file, named] of Object.entries(contracts)) {
      for (const [name, { evm }] of Object.entries(named)) {
        for (const versions of Object.values(this.artifacts[file]?.[name] ?? {})) {
          for (const { path } of Object.values(versions)) this.#write(join(this.folder, 'target/forge/out', path), evm);
        }
      }
    }
  }

  #write(path, evm) {
    const artifact = JSON.parse(readFileSync(path, 'utf8'));
    for (const part of ['bytecode', 'deployedBytecode']) {
      if (artifact[part]) artifact[part].object = `0x${evm[part].object}`;
    }
    writeFileSync(path, JSON.stringify(artifact));
  }

  /** Runs tests until the first that fails. Gives `passed`, `failed`, or `none` when no test was run. */
  test(args, env) {
    return new Promise((resolve) => {
      const child = spawn('tools/forge', ['test', '--fail-fast', ...args], {
        cwd: this.folder,
        env: { ...this.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: TIMEOUT_MS,
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
      child.on('close', (status) => {
        if (/Compiling \d+ files/.test(output)) throw new Error('forge compiled the sources again, and so tested the original');
        if (/No tests (found|to run|match)/i.test(output)) return resolve('none');
        resolve(status === 0 ? 'passed' : 'failed');
      });
    });
  }
}
