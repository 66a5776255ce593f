"""What PyTorch has at its top level and chainrule has not, and what to use instead.

The error for a missing name reads it, and so does the page `docs/pytorch.md`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

ABSENT: tuple[tuple[str, str, str], ...] = (
    (
        "compilation and export",
        "a graph is explained with cr.explain, and a model saved with cr.save(model.state_dict())",
        "compile compiler jit onnx export fx cond while_loop Compilation* Code Block Graph* "
        "Script* *Script* TracingState Concrete* Execution* FunctionSchema parse_* import_ir_* "
        "merge_type_* AliasDb Argument* Capsule CallStack ErrorReport FileCheck IODescriptor Node "
        "Operator* Use Value StaticModule LockingLogger LoggerBase NoopLogger AggregationType AVG "
        "SUM JITException fork wait Future *Type Type Sym* sym_* typename unify_type_list "
        "PyTorchFile* Deserialization* Serialization* DeepCopyMemoTable Gradient Tag DispatchKey* "
        "ExcludeDispatchKeyGuard DisableTorchFunction* ThroughputBenchmark Benchmark* "
        "vitals_enabled library ops package",
    ),
    (
        "several machines and processes",
        "one process computes here; NumPy's linear algebra uses its processor cores",
        "distributed multiprocessing futures prepare_multiprocessing_environment monitor",
    ),
    (
        "complex numbers",
        "tensors hold real numbers; keep real and imaginary parts in two tensors, or in a last "
        "dimension of size 2",
        "complex complex32 complex64 complex128 cfloat cdouble chalf Complex* polar view_as_* "
        "stft istft",
    ),
    (
        "sparse tensors",
        "tensors are dense; scipy.sparse has matrices without their zeros",
        "sparse sparse_* sspaddmm hspmm hsmm dsmm smm spmm saddmm *_sparse_ ccol_indices* "
        "col_indices* crow_indices* row_indices* indices_copy values_copy masked nested jagged",
    ),
    (
        "quantised tensors",
        "tensors hold float16, float32, float64, integers and bools",
        "quant* q_* qint* quint* qscheme QInt* QUInt* *_quantized* quantiz* dequantize "
        "fake_quantize* fused_moving_avg* int_repr per_channel_* per_tensor_* choose_qparams* "
        "fbgemm_* ao",
    ),
    (
        "number types that NumPy has not, or that are seldom used",
        "use cr.float32 (cr.float16 for two bytes) or cr.int64",
        "bfloat16 BFloat16* bit bits* float4* float8_* int1 int2 int3 int4 int5 int6 int7 uint1 "
        "uint2 uint3 uint4 uint5 uint6 uint7 uint16 uint32 uint64",
    ),
    (
        "storages",
        "the memory of a tensor is that of its array, t.numpy(); files are written by cr.save",
        "*Storage* storage is_storage from_file",
    ),
    (
        "layers as functions with PyTorch's internal signatures",
        "use the function of the same name in cr.nn.functional, or the module in cr.nn",
        "dropout dropout_ binary_cross_entropy_with_logits cosine_embedding_loss ctc_loss "
        "hinge_embedding_loss kl_div margin_ranking_loss poisson_nll_loss triplet_margin_loss "
        "embedding_bag embedding_renorm_ native_* lstm lstm_cell gru gru_cell rnn_* conv_tbc "
        "convolution constant_pad_nd grid_sampler* affine_grid_generator batch_norm_* "
        "max_pool1d_with_indices norm_except_dim nuclear_norm frobenius_norm BufferDict ModuleDict "
        "ParameterDict",
    ),
    (
        "other libraries' kernels, other hardware",
        "chainrule computes with NumPy on the CPU",
        "cudnn_* miopen_* mkldnn_* is_vulkan_available mtia cpu Event Stream* DeviceObjType "
        "AcceleratorError get_device_module OutOfMemoryError has_* *_vulkan* "
        "profiler_allow_cudagraph* compiled_with_cxx11_abi USE_* channels_last channels_last_3d "
        "legacy_contiguous_format init_num_threads",
    ),
    (
        "copies of views, and functions for compilers",
        "use the operation of the name without _copy, unsafe_ or _scatter, and clone()",
        "*_copy unsafe_* as_strided_scatter slice_inverse nonzero_static empty_permuted "
        "hash_tensor",
    ),
    (
        "operations that PyTorch removed or replaced",
        "use its successor in cr.linalg",
        "eig symeig lstsq solve matrix_rank geqrf orgqr ormqr",
    ),
    (
        "operations not written yet",
        "compose it of others, or write a cr.autograd.Function",
        "binomial histogramdd lobpcg pca_lowrank svd_lowrank segment_reduce addmv_",
    ),
    (
        "half precision chosen by operations",
        "leave autocasting out, or convert with .half()",
        "*autocast*",
    ),
    (
        "rooms of PyTorch without a counterpart",
        "see the page on PyTorch in the documentation",
        "distributions func functional functools fft hub overrides profiler quasirandom "
        "serialization signal testing torch_version types utils version vmap windows classes "
        "classproperty cpp to_dlpack thread_safe_generator is_warn_always_enabled set_warn_always "
        "is_anomaly_check_nan_enabled set_anomaly_enabled FatalError get_file_path PRIVATE_OPS",
    ),
)


def family_of(name: str) -> tuple[str, str] | None:
    """Return what family a missing name belongs to, and what to use instead; None if unknown.

    >>> family_of("sparse_coo_tensor")[0]
    'sparse tensors'
    """
    for family, instead, patterns in ABSENT:
        if any(fnmatchcase(name, pattern) for pattern in patterns.split()):
            return family, instead
    return None


def why_absent(name: str) -> str:
    """Return the end of the error for a name of the package that does not exist."""
    found = None if name.startswith("_") else family_of(name)
    if found is None:
        return "; the operations that exist are listed by dir(chainrule)"
    family, instead = found
    return f" ({family}): {instead}"
