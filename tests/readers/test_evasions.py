"""Files whose loader runs code, written so that a reader that takes them at their word would see none."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import time
import zipfile

import pytest

from .build import facts_of
from .compiled_files import hdf5, keras_metadata, operator, savedmodel, tflite_with
from .onnx_files import message

PICKLE = b"cos\nsystem\n(S'true'\ntR."
#: More opcodes than are read, none of which matters.
FILLING = b"N0" * 200_010
LAMBDA = {"class_name": "Dense", "config": {"activation": {"class_name": "__lambda__", "config": {"value": "x"}}}}


def zipped(*members: tuple[str, bytes]) -> bytes:
    """A zip file of these."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def tarred(format: int, *members: tuple[str, bytes]) -> bytes:
    """A tar file of these."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def without_magic(data: bytes) -> bytes:
    """The same tar file as tar wrote it before there was a magic number, which Python's tarfile reads all the same."""
    header = bytearray(data[:512])
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]


TORCH_TAR = tarred(tarfile.PAX_FORMAT, ("storages", b""), ("tensors", b""), ("pickle", PICKLE))


#: What torch.save wrote before the zip format begins with.
TORCH_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")


def pushed(text: bytes) -> bytes:
    """The opcode of a short text."""
    return b"\x8c" + bytes([len(text)]) + text


def frame(length: int) -> bytes:
    """The opcode that begins a frame of so many bytes."""
    return b"\x95" + struct.pack("<Q", length)


def npy(header: str) -> bytes:
    """A NumPy array with this header."""
    data = header.encode()
    data += b" " * (63 - (12 + len(data)) % 64) + b"\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(data)) + data + pickle.dumps([1])


def array(kind: str) -> str:
    """The header that NumPy writes."""
    return f"{{'descr': {kind}, 'fortran_order': False, 'shape': (1,), }}"


def printing(stream: str) -> bytes:
    """A SavedModel whose graph prints."""
    return savedmodel(graph=message(1, operator("PrintV2", {"end": "\n", "output_stream": stream})))


EVASIONS = {
    "torch's magic number in another protocol": (
        "m.pt",
        pickle.dumps(0x1950A86A20F9469CFC6C, 3) + pickle.dumps(1001, 0) + pickle.dumps({}, 0) + PICKLE,
    ),
    "torch's magic number in protocol 0": (
        "pytorch_model.bin",
        pickle.dumps(0x1950A86A20F9469CFC6C, 0) + pickle.dumps(1001, 0) + pickle.dumps({}, 0) + PICKLE,
    ),
    "the 65th pickle": ("m.pkl", pickle.dumps(1, 2) * 64 + pickle.dumps(1, 2) + PICKLE),
    "an import behind the last opcode that is read": ("pytorch_model.bin", FILLING + PICKLE),
    "an import behind a line that is too long to read": ("pytorch_model.bin", b"V" + b"a" * 70_000 + b"\n0" + PICKLE),
    "a memo index with forty zeros before it": (
        "m.pkl",
        b"Vos\np0\n0Vcollections\np"
        + b"0" * 40
        + b"1\n0Vsystem\np2\n0VOrderedDict\np"
        + b"0" * 39
        + b"23\n0g0\ng2\n\x93(S'true'\ntR.",
    ),
    "a memo index behind forty spaces": (
        "pytorch_model.bin",
        b"N" + b"p" + b" " * 41 + b"1\n0" + PICKLE,
    ),
    "memo indices that a frame cuts": (
        "m.pkl",
        b"\x80\x04"
        + pushed(b"os")
        + b"q\x02"
        + pushed(b"system")
        + b"q\x03"
        + pushed(b"collections")
        + b"q\x0c"
        + pushed(b"OrderedDict")
        + b"q\x0d0000"
        + frame(2)
        + b"g12\n"
        + frame(2)
        + b"g13\n\x93(S'true'\ntR.",
    ),
    "a pickle that ends in its frame": (
        "m.pt",
        TORCH_MAGIC + b"\x80\x04" + frame(6) + b"N.\x80\x04N." + pickle.dumps(1, 2) * 2 + PICKLE,
    ),
    "a frame that goes on behind the one around it": (
        "m.pkl",
        b"\x80\x04" + frame(12) + b"N0" + frame(40) + b"N" * 40 + b".",
    ),
    "a second pickle of protocol 0": ("m.pkl", pickle.dumps([1], 2) + PICKLE),
    "a third pickle of protocol 0": ("m.pickle", pickle.dumps([1], 0) + pickle.dumps([1], 4) + PICKLE),
    "objects by their name": ("a.npy", npy(array("'object'"))),
    "objects with an escape": ("a.npy", npy(array("'|\\x4f'"))),
    "objects in a structure": ("a.npy", npy(array('[("a", "|O")]'))),
    "objects far behind": ("a.npz", zipped(("w.npy", npy("{'shape': (1,), " + " " * 300 + array("'|O'")[1:])))),
    "a function in place of a layer": (
        "m.keras",
        zipped(("metadata.json", b"{}"), ("config.json", json.dumps(LAMBDA).encode())),
    ),
    "the same in HDF5": ("m.h5", hdf5({"model_config": json.dumps(LAMBDA)})),
    "Keras without metadata": ("m.keras", zipped(("config.json", json.dumps(LAMBDA).encode()))),
    "a name that ends early": (
        "m.keras",
        zipped(("metadata.json", b"{}"), ("config.json", b"{}"), ("config.jsonx0", b"{}")).replace(
            b"jsonx0", b"json\0x"
        ),
    ),
    "a tar file of torch": ("pytorch_model.bin", TORCH_TAR),
    "a tar file of torch without a magic number": ("m.pt", without_magic(TORCH_TAR)),
    "a tar file of torch that begins like GGUF": (
        "m.ckpt",
        tarred(tarfile.USTAR_FORMAT, ("GGUF", b""), ("pickle", PICKLE)),
    ),
    "a tar file under another name": ("m.safetensors", TORCH_TAR),
    "a tar file that goes on": ("m.pth", TORCH_TAR[:1024] + b"x" * 512),
    "pickled objects behind a long header": ("a.npy", npy(array("'|O'").removesuffix(", }") + " " * 80_000 + "}")),
    "HDF5 behind two megabytes": ("m.h5", bytes(2 << 20) + hdf5({"model_config": json.dumps(LAMBDA)})),
    "a loss from elsewhere": (
        "m.h5",
        hdf5({"model_config": "{}", "training_config": '{"loss": {"class_name": "run", "module": "helpers"}}'}),
    ),
    "a print to a file": ("saved_model.pb", printing("file:///etc/cron.d/x")),
    "a print to a name that a function is given": (
        "saved_model.pb",
        savedmodel(
            graph=message(
                1, message(5, message(1, "output_stream") + message(2, message(9, "x"))) + operator("PrintV2")
            )
        ),
    ),
    "a vocabulary of a sampler": (
        "saved_model.pb",
        savedmodel(graph=message(1, operator("FixedUnigramCandidateSampler", {"vocab_file": "/etc/passwd"}))),
    ),
    "an operator behind one that is too long to read": ("saved_model.pb", savedmodel(("x" * 5000, "ReadFile"))),
    "an operator of TensorFlow in a TFLite model": ("m.tflite", tflite_with("FlexWriteFile", 3)),
    "more operators of TFLite than are read": ("m.tflite", tflite_with("Any", 1001)),
    "a library in an exported program": ("m.pt2", zipped(("data/aotinductor/model.SO", b"\x7fELF"))),
    "a handler of TorchServe": ("m.mar", zipped(("handler.py", b""), ("m.bin", b""))),
    "a SavedModel as text": ("saved_model.pbtxt", b'meta_graphs { graph_def { node { op: "ReadFile" } } }'),
    "a SavedModel in pieces": ("saved_model.cpb", b"any"),
    "a Lambda layer beside a SavedModel": ("keras_metadata.pb", keras_metadata("{}", json.dumps(LAMBDA))),
    "a Lambda layer in a SavedModel": (
        "saved_model.pb",
        savedmodel(
            more=message(7, message(1, message(4, message(1, "_tf_keras_layer") + message(3, json.dumps(LAMBDA)))))
        ),
    ),
    "metadata that cannot be read": ("keras_metadata.pb", keras_metadata("{}", "{")),
    "a configuration of 5 MB": ("config.json", b'{"auto_map":{"AutoModel":"own.Evil"}}' + b" " * (5 << 20)),
    "settings with a number that is none": ("tokenizer_config.json", b'{"auto_map":["own.Evil",null],"a":NaN}'),
    "a key that stands twice": ("model_index.json", b'{"_class_name":["own","Evil"],"_class_name":"X"}'),
    "an object that is no list of modules": ("modules.json", b'[{"type":"own.Evil","path":"/"}]'),
    "names in capitals": ("m.pt", zipped(("a/DATA.PKL", PICKLE), ("a/data.pkl", pickle.dumps({}, 2)))),
}


@pytest.mark.parametrize("name", EVASIONS)
def test_what_may_run_code_is_said_to(name: str) -> None:
    """Each was once reported without it."""
    path, data = EVASIONS[name]
    assert facts_of({path: data}).executable == (path,)


def test_a_superblock_that_says_that_it_is_elsewhere_is_not_believed() -> None:
    """The HDF5 library opens the first file here, and a reader that followed the base address the second."""
    first, second = hdf5({"model_config": json.dumps(LAMBDA)}), hdf5({"model_config": "{}"})
    data = bytearray(first + second)
    data[24:32] = len(first).to_bytes(8, "little")
    facts = facts_of({"m.h5": bytes(data)})
    assert facts.executable == ("m.h5",)
    assert "says that it is at" in facts.findings[0].message


def test_a_text_that_stands_twice_in_a_heap_is_not_chosen() -> None:
    """Two objects of one index, of which a reader takes the first and the HDF5 library may take the other."""
    harmless, other = hdf5({"model_config": "{}"}), hdf5({"model_config": json.dumps(LAMBDA)})
    objects = [data[data.index(b"GCOL") + 16 : -16] for data in (harmless, other)]
    heap = harmless.index(b"GCOL")
    for order in (objects, objects[::-1]):
        held = b"".join(order)
        data = bytearray(harmless[: heap + 8] + struct.pack("<Q", 16 + len(held) + 16) + held + bytes(16))
        data[40:48] = len(data).to_bytes(8, "little")
        # The attribute says how long its text is: as long as the harmless one.
        facts = facts_of({"m.h5": bytes(data)})
        assert facts.executable == ("m.h5",)
        assert "stands twice in its heap" in facts.findings[0].message


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("modules.json", b'[{"path": "", "type": "own.Evil"}]'),
        ("model_index.json", b'{"_class_name": ["own", "Pipe"]}'),
    ],
)
def test_python_files_that_are_modules_of_the_model_run(path: str, content: bytes) -> None:
    """sentence-transformers and diffusers import them from a local folder."""
    assert facts_of({path: content, "own.py": b""}).executable == ("own.py",)
    assert facts_of({path: content}).executable == (path,)


@pytest.mark.parametrize(
    ("path", "config"),
    [
        ("config.json", {"activation_function": "own.Evil"}),
        ("config.json", {"sbert_ce_default_activation_function": "own.Evil"}),
        ("config.json", {"sentence_transformers": {"activation_fn": "own.Evil"}}),
        ("router_config.json", {"types": {"query_0": "own.Evil"}}),
        ("wordembedding_config.json", {"tokenizer_class": "own.Evil"}),
        ("modular_config.json", {"auto_map": {"ModularPipelineBlocks": "own.Evil"}}),
    ],
)
def test_classes_that_are_imported_by_their_name_run(path: str, config: object) -> None:
    """sentence-transformers and diffusers make an object of each; those of their own libraries are none of the model's."""
    content = json.dumps(config)
    assert facts_of({path: content.encode(), "own.py": b""}).executable == ("own.py",)
    assert facts_of({path: content.encode()}).executable == (path,)
    assert facts_of({path: content.replace("own.Evil", "Evil").encode()}).executable == (
        (path,) if "Blocks" in content else ()
    )
    for library in ("torch.nn.modules.activation.Tanh", "sentence_transformers.models.tokenizer.WhitespaceTokenizer"):
        if "Blocks" not in content:
            assert facts_of({path: content.replace("own.Evil", library).encode()}).executable == ()


def test_a_part_of_a_pipeline_may_be_a_python_file_in_its_folder() -> None:
    """Diffusers looks there first; where there is none, the name is that of a library."""
    index = {
        "model_index.json": json.dumps({"_class_name": "X", "unet": ["my_unet", "MyUNet"], "vae": ["diffusers", "V"]})
    }
    files = {path: content.encode() for path, content in index.items()}
    assert facts_of(files).executable == ()
    assert facts_of({**files, "unet/my_unet.py": b""}).executable == ("unet/my_unet.py",)


def test_a_way_to_generate_runs_without_being_named() -> None:
    """Transformers looks for the file; another of that name is none."""
    facts = facts_of({"custom_generate/generate.py": b"", "generate.py": b"", "config.json": b"{}"})
    assert facts.executable == ("custom_generate/generate.py",)
    assert "asks loaders with trust_remote_code to run custom_generate/generate.py" in facts.findings[0].message


@pytest.mark.parametrize("library", ["own", "__main__", "transformers_modules.x.modeling"])
def test_an_adapter_takes_the_class_of_its_base_from_a_module(library: str) -> None:
    """PEFT imports it, whatever it is."""
    config = json.dumps({"auto_mapping": {"base_model_class": "Evil", "parent_library": library}})
    assert facts_of({"adapter_config.json": config.encode()}).executable == ("adapter_config.json",)
    usual = config.replace(library, "transformers.models.llama.modeling_llama")
    assert facts_of({"adapter_config.json": usual.encode()}).executable == ()


@pytest.mark.parametrize("kind", ["'<f4'", "'|u1'", "'<U16'", "'<M8[ns]'", "[('a', '<f4'), ('b', '<i8', (2, 3))]"])
def test_plain_arrays_run_nothing(kind: str) -> None:
    """The types that NumPy writes for numbers, texts and dates."""
    assert facts_of({"a.npy": npy(array(kind))}).executable == ()


#: Every line end that libyaml knows, as UTF-8.
LINE_ENDS = ("\n", "\r", "\r\n", "\x85", "\u2028", "\u2029")


@pytest.mark.parametrize("end", LINE_ENDS)
def test_directives_are_few(end: str) -> None:
    """Libyaml compares each with all before it, wherever a line ends for it: sixteen are read, and no more."""
    lines = [f"%TAG !{number:x}! b{end}" for number in range(17)]
    beyond = facts_of({"README.md": f"---\n{''.join(lines)}---\nlicense: mit\n---\n".encode()})
    assert "more than the 16 lines of directives" in beyond.findings[0].message
    within = facts_of({"README.md": f"---\n{''.join(lines[:16])}---\nlicense: mit\n---\n".encode()})
    assert not any("directives" in finding.message for finding in within.findings)


def test_sixty_thousand_directives_take_no_time() -> None:
    """They are counted before libyaml sees them."""
    lines = "".join(f"%TAG !{number:x}! b\r" for number in range(60_000))
    start = time.process_time()
    assert "directives" in facts_of({"README.md": f"---\n{lines}a: b\n---\n".encode()}).findings[0].message
    assert time.process_time() - start < 1


def test_a_header_of_spaces_takes_no_time() -> None:
    """As long as a header may be, and never closed."""
    start = time.process_time()
    header = array("'<f4'").removesuffix(", }") + " " * 65_000
    assert facts_of({"a.npy": npy(header)}).executable == ("a.npy",)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("stream", ["stdout", "stderr", "log(info)"])
def test_prints_to_the_terminal_reach_no_file(stream: str) -> None:
    """What `tf.print` writes elsewhere is said, and what it shows is not."""
    assert facts_of({"saved_model.pb": printing(stream)}).executable == ()


def test_plain_operators_of_tflite_reach_nothing() -> None:
    """Custom ones, and those of TensorFlow that compute; a zip file of sources is no model."""
    for name in ("FlexAddV2", "WriteFile", "TFLite_Detection_PostProcess"):
        assert facts_of({"m.tflite": tflite_with(name)}).executable == ()
    assert facts_of({"sources.zip": zipped(("a.py", b""))}).executable == ()


def test_what_every_savedmodel_does_is_not_said() -> None:
    """The operators by which TensorFlow moves variables and reads vocabularies, and metadata of plain layers."""
    usual = ("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename", "InitializeTableFromTextFileV2")
    layer = json.dumps({"class_name": "Dense", "config": {"units": 2, "activation": "relu"}})
    facts = facts_of({"saved_model.pb": savedmodel(usual), "keras_metadata.pb": keras_metadata(layer, "")})
    assert facts.executable == ()
    assert facts.files[0].details["layers"] == {"Dense": 1}
