"""Operators of TensorFlow that reach out of a graph: to files, to other machines, or into Python.

From the registry of TensorFlow 2.15 and the list of later ones: every operator that takes a file name, a folder, an address or
a graph as text. Three that every SavedModel has are left out, since they would say nothing of any: SaveV2, RestoreV2 and
MergeV2Checkpoints move its variables. InitializeTableFromTextFile reads its vocabularies. With those four a graph can read
tables and checkpoints, and write `.index` and `.data` files; what hands the content of another file out is below.
"""

from __future__ import annotations

#: Whatever their attributes are.
REACHING: frozenset[str] = frozenset(
    (
        # Python, and graphs that stand in a text, where their own operators are not seen.
        "EagerPyFunc", "PyFunc", "PyFuncStateless", "DatasetFromGraph", "DeserializeIterator",
        # Files as a whole, and checkpoints of before version 2, whose name is taken as it is.
        "ReadFile", "WriteFile", "Save", "SaveSlices", "Restore", "RestoreSlice", "ImmutableConst", "LoadAndRemapMatrix",
        "GenerateVocabRemapping", "DecodeProtoV2", "EncodeProto", "MatchingFiles", "FileSystemSetConfiguration",
        "InitializeTRTResource", "SerializeTRTResource", "StoreMinibatchStatisticsInFdo", "DTensorRestoreV2", "Skipgram",
        # Readers of records.
        "WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2", "FixedLengthRecordReader",
        "FixedLengthRecordReaderV2", "TFRecordReader", "TFRecordReaderV2", "LMDBReader", "RecordInput",
        # Datasets that are read.
        "CSVDataset", "CSVDatasetV2", "ExperimentalCSVDataset", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2",
        "TFRecordDataset", "TFRecordDatasetV2", "TextLineDataset", "LMDBDataset", "ExperimentalLMDBDataset", "SqlDataset",
        "ExperimentalSqlDataset", "MatchingFilesDataset", "ExperimentalMatchingFilesDataset", "LoadDataset",
        "SnapshotChunkDataset", "SnapshotDatasetReader", "SnapshotNestedDatasetReader",
        # Datasets that are written.
        "CacheDataset", "CacheDatasetV2", "DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "SaveDataset", "SaveDatasetV2",
        "SnapshotDataset", "SnapshotDatasetV2", "DistributedSave",
        # What is written for a person to look at.
        "CreateSummaryDbWriter", "CreateSummaryFileWriter", "DebugIdentity", "DebugIdentityV2", "DebugIdentityV3",
        "DebugNanCount", "DebugNumericSummary",
        # Other machines.
        "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3", "DataServiceDatasetV4", "RegisterDataset",
        "RegisterDatasetV2", "RemoteCall", "Rpc", "TryRpc", "RpcCall", "RpcClient", "RpcServer", "RpcServerRegister",
        "RpcServerStart", "BigQueryReader", "GenerateBigQueryReaderPartitions", "BigtableClient", "CloudBigtableClient",
    )
)  # fmt: skip

#: Those that reach a file only where an attribute names one: operator -> (attribute, values that name none).
REACHING_BY: dict[str, tuple[bytes, frozenset[bytes]]] = {
    "PrintV2": (
        b"output_stream",
        frozenset((b"stdout", b"stderr", b"log(info)", b"log(warning)", b"log(error)")),
    ),
    "FixedUnigramCandidateSampler": (b"vocab_file", frozenset((b"",))),
}
