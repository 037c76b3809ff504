"""Families of op kinds, by the words the sources use: dispatcher names and the names of Python functions."""

from __future__ import annotations

import re
from typing import Final

CONVOLUTION = re.compile(r"\A(?:lazy_?)?conv(?:olution|_transpose|_tbc)?([123])?d?\Z")
POOL = re.compile(r"\A(?:max|avg|lp)_pool([123])d(?:_with_indices)?\Z")

_CHEAP = """
H T abs absolute acos acosh adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
adaptive_max_pool2d adaptive_max_pool3d add addcdiv addcmul affine_grid affine_grid_generator alias alias_copy alibi all
alpha_dropout amax amin aminmax and angle any arange arccos arcsin arctan argmax argmin argsort as_strided asin asinh
assert_async assert_scalar atan atan2 atanh atleast_1d atleast_2d atleast_3d avg_pool1d avg_pool2d avg_pool3d batch_norm
bernoulli bfloat16 binary_cross_entropy binary_cross_entropy_with_logits bincount bitwise_and bitwise_left_shift bitwise_not
bitwise_or bitwise_right_shift bitwise_xor bool broadcast_tensors broadcast_to bucketize cat cauchy ceil celu chalf
channel_shuffle chunk clamp clamp_max clamp_min clip clone col2im column_stack combinations complex concat concatenate conj
conj_physical constant_pad_nd contiguous copy copysign cos cosh cosine_embedding_loss cosine_similarity count_nonzero cpu
cross cross_entropy cross_entropy_loss cuda cummax cummax_helper cummin cummin_helper cumprod cumsum deg2rad detach diag
diag_embed diagflat diagonal diagonal_copy diff digamma dist div divide double dropout dropout1d dropout2d dropout3d dsplit
dstack elu embedding embedding_bag embedding_bag_forward_only embedding_renorm empty empty_like empty_permuted empty_strided
eq equal erf erfc erfinv exp exp2 expand expand_as expand_copy expm1 exponential eye fake_quantize_per_channel_affine
fake_quantize_per_tensor_affine feature_alpha_dropout feature_dropout fill flatten flip fliplr flipud float float_power floor
floor_divide fmax fmin fmod fold frac fractional_max_pool2d fractional_max_pool3d frexp full full_like fused_rms_norm gather
gcd ge gelu geometric getitem glu greater greater_equal grid_sample grid_sampler grid_sampler_2d grid_sampler_3d group_norm gt
gumbel_softmax half hardshrink hardsigmoid hardswish hardtanh heaviside hinge_embedding_loss histc hsplit hstack huber_loss
hypot i0 identity igamma igammac im2col imag index index_add index_copy index_fill index_put index_put_impl index_reduce
index_select instance_norm int interpolate is_nonzero is_same_size isclose isfinite isin isinf isnan isneginf isposinf item
kl_div kthvalue l1_loss layer_norm lcm ldexp le leaky_relu lerp less less_equal lgamma lift lift_fresh lift_fresh_copy
linalg_cross linalg_vector_norm linspace local_response_norm local_scalar_dense log log10 log1p log2 log_normal log_sigmoid
log_sigmoid_forward log_softmax logaddexp logaddexp2 logcumsumexp logical_and logical_not logical_or logical_xor logit
logsigmoid logspace logsumexp long lp_pool1d lp_pool2d lshift lt mH mT margin_ranking_loss mask masked_fill masked_scatter
masked_select max max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices
max_unpool2d max_unpool3d maximum mean median merge_heads meshgrid min minimum mish mode moveaxis movedim mse_loss mul
multinomial multiply mvlgamma nan_to_num nanmean nanmedian nansum narrow narrow_copy native_batch_norm native_batch_norm_legit
native_batch_norm_legit_no_training native_dropout native_group_norm native_layer_norm ne neg negative new_empty new_full
new_ones new_zeros nextafter nll_loss nll_loss2d nll_loss2d_forward nll_loss_forward nll_loss_nd nonzero nonzero_static norm
norm_except_dim normal normalize not_equal numpy_T one_hot ones ones_like or pack_padded_sequence pad pad_circular
pad_packed_sequence pad_sequence pairwise_distance pdist_forward permute permute_copy pin_memory pixel_shuffle pixel_unshuffle
poisson polygamma positive pow prelu prelu_kernel prod put quantile quantize_per_tensor rad2deg rand rand_like randint
randint_like randn randn_like random randperm ravel real reciprocal reflection_pad1d reflection_pad2d reflection_pad3d
relative_bias relu relu6 remainder renorm repeat repeat_interleave repeat_kv replication_pad1d replication_pad2d
replication_pad3d requires_grad reshape reshape_alias reshape_as resize resolve_conj resolve_neg rms_norm roll rot90 rotary
round rrelu rrelu_with_noise rshift rsqrt rsub safe_softmax scalar_tensor scale scatter scatter_add scatter_reduce
searchsorted select select_copy select_scatter selu set setitem sgn sigmoid sign signbit silu sin sinc sinh size slice
slice_copy slice_scatter smooth_l1_loss soft_margin_loss softcap softmax softmin softplus softshrink softsign sort
special_airy_ai special_entr special_erfcx special_i0e special_i1 special_i1e special_log_ndtr special_ndtr special_ndtri
special_xlog1py special_zeta split split_heads split_with_sizes split_with_sizes_copy sqrt square squeeze squeeze_copy stack
std std_mean sub subtract sum sum_to_size swapaxes swapdims t t_copy take take_along_dim tan tanh tanhshrink tensor
tensor_split thnn_fused_gru_cell thnn_fused_lstm_cell threshold tile to to_copy topk transpose transpose_copy tril
tril_indices triplet_margin_loss triu triu_indices true_divide trunc type type_as unbind unflatten unfold unfold_copy uniform
unique unique2 unique_consecutive unique_dim unsafe_chunk unsafe_index unsafe_masked_index unsafe_split unsafe_view unsqueeze
unsqueeze_copy upsample upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d
upsample_nearest3d upsample_nearest_exact1d upsample_nearest_exact2d upsample_nearest_exact3d upsample_trilinear3d values var
var_mean vector_norm view view_as view_as_complex view_as_real view_copy vsplit vstack weight_norm weight_norm_interface where
write xlogy xor zero zeros zeros_like
"""
CHEAP: Final = frozenset(_CHEAP.split())
"""Kinds that multiply no matrices: their multiply-adds are 0 by the convention (element-wise work is not counted)."""

_POINTWISE = """
abs add addcmul alias alpha_dropout batch_norm cat celu clamp clip clone constant_pad_nd contiguous copy detach div dropout
dropout1d dropout2d dropout3d elu exp feature_alpha_dropout feature_dropout gelu glu group_norm hardshrink hardsigmoid
hardswish hardtanh identity instance_norm leaky_relu lerp local_response_norm log log_sigmoid logsigmoid maximum minimum mish
mul native_batch_norm native_batch_norm_legit native_batch_norm_legit_no_training native_dropout native_group_norm neg pad pow
prelu prelu_kernel reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 replication_pad1d replication_pad2d
replication_pad3d rrelu rsub selu sigmoid silu softplus softshrink softsign sqrt square sub tanh tanhshrink threshold to
to_copy where zero
"""
POINTWISE: Final = frozenset(_POINTWISE.split())
"""Kinds that look at one position at a time, so that a receptive field passes through unchanged."""


def base(kind: str) -> str:
    """A kind without what marks variants: ``relu_`` and ``_softmax`` become ``relu`` and ``softmax``."""
    if kind.startswith("__") and kind.endswith("__"):
        kind = kind.strip("_")
        return kind[1:] if kind[:1] in ("i", "r") and (kind[1:] in CHEAP or kind[1:] == "matmul") else kind
    return kind.rpartition(".")[2].strip("_") or kind
