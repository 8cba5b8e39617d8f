"""The `pattern` dialect object, the base class of its operations, and the context they live in."""

import sys
from collections.abc import Mapping, Sequence
from operator import methodcaller
from types import MappingProxyType
from typing import Any

from torch_mlir import ir

# Not by way of torch_mlir.dialects.torch, whose thousands of operation classes load slowly.
from torch_mlir._mlir_libs._torchMlir import register_dialect
from torch_mlir.dialects import ext
from torch_mlir.dialects.irdl import Variadicity
from torch_mlir.passmanager import PassManager

from pattern_mlir.errors import did_you_mean


class Pattern(ext.Dialect, name="pattern"):
    """Pattern-sparse convolutional networks on tensors.

    Tensors are NCHW. Weights are `pattern.parameter` operations whose data lies beside the IR.
    """


# The bindings look for a dialect's module at each of its operations until they find one.
sys.modules[f"torch_mlir.dialects.{Pattern.DIALECT_NAMESPACE}"] = sys.modules[__name__]


class I64ArrayAttr(ir.DenseI64ArrayAttr):
    """`array<i64: …>` as a constraint (the binding's class lacks the name that `ext` asks for)."""

    attr_name = "builtin.dense_array"


ATTRIBUTE_KINDS: Mapping[type, str] = MappingProxyType(
    {
        I64ArrayAttr: "array<i64: …>",
        ir.DenseElementsAttr: "dense<…>",
        ir.DenseF64ArrayAttr: "array<f64: …>",
        ir.DenseI32ArrayAttr: "array<i32: …>",
        ir.DenseI64ArrayAttr: "array<i64: …>",
        ir.IntegerAttr: "an integer",
        ir.StringAttr: "a string in quotes",
        ir.UnitAttr: "its name alone, without a value",
    }
)
"""How each kind of attribute that is not the dialect's own is written."""


MIXED_TYPES = frozenset({"f16", "f32"})
"""Element types that an operation may read side by side."""


class VerificationError(Exception):
    """An operation breaks a rule of its definition; becomes a diagnostic at its location."""


def require(condition: bool, message: str) -> None:
    """Raise `VerificationError` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise VerificationError(message)


class TensorEncoding(Pattern.Attribute):
    """An attribute that may stand in a tensor type: a weight's patterns, or a tensor's layout."""

    def check_tensor(self, type_: Any) -> None:
        """Raise `VerificationError` unless this attribute is whole and fits the type ``type_``."""
        raise NotImplementedError


class PatternOperation(Pattern.Operation):
    """Base of all operations: verification by exception, and execution by numpy.

    A subclass defines `check` (raise `VerificationError`) and `interpret` (its meaning).
    """

    # Kinds by name. No annotation: `ext` takes every annotated name for a field of the operation.
    OPTIONAL_ATTRIBUTES = MappingProxyType({})  # type: ignore[var-annotated]

    # Operands that may be stored in another of `MIXED_TYPES` than the rest: those and the result.
    STORED_APART = tuple[str, ...]()

    @classmethod
    def verify_invariants(cls, op: Any) -> bool:
        """Run `check`; a violated rule becomes an error at the operation's location."""
        if not cls._is_well_formed(op):
            return True  # the structural constraints run next and say what is missing
        try:
            cls._check_attributes(op)
            cls._check_types(op)
            op.check()
        except VerificationError as violation:
            op.location.emit_error(f"'{cls.OPERATION_NAME}' op {violation}")
            return False
        return True

    @classmethod
    def create(cls, result: Any, operands: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        """Create the operation at the current insertion point.

        ``operands`` has one entry a field, None where an optional one is absent; attributes that
        are None are left out. `operandSegmentSizes` is written only where it says anything.
        """
        present = {name: value for name, value in attributes.items() if value is not None}
        if cls._several_optional():
            sizes = [0 if operand is None else 1 for operand in operands]
            present["operandSegmentSizes"] = ir.DenseI32ArrayAttr.get(sizes)
        return ir.Operation.create(
            cls.OPERATION_NAME,
            results=[result],
            operands=[operand for operand in operands if operand is not None],
            attributes=present,
        ).opview

    @classmethod
    def _generate_operand_properties(cls, operands: Sequence[Any]) -> None:
        # `ext`'s own accessors want segment sizes even where a single optional operand needs none.
        for field in operands:
            setattr(cls, field.name, property(methodcaller("optional_operand", field.name)))

    @classmethod
    def _operand_fields(cls) -> list[Any]:
        return list(ext.partition_fields(cls._fields)[0])

    @classmethod
    def _several_optional(cls) -> bool:
        optional = [f for f in cls._operand_fields() if f.variadicity != Variadicity.single]
        return len(optional) > 1

    def optional_operand(self, name: str) -> Any:
        """Return the optional operand ``name``, or None where it is absent."""
        names = [field.name for field in self._operand_fields()]
        index = names.index(name)
        if self._several_optional():
            sizes = list(self.attributes["operandSegmentSizes"])
            return self.operands[sum(sizes[:index])] if sizes[index] else None
        return self.operands[index] if len(self.operands) > index else None

    @classmethod
    def _is_well_formed(cls, op: Any) -> bool:
        """Whether every field that is declared can be read."""
        operands = cls._operand_fields()
        _, attributes, results, _ = ext.partition_fields(cls._fields)
        if any(attribute.name not in op.attributes for attribute in attributes):
            return False
        values = (*op.operands, *op.results)
        if not all(isinstance(value.type, ir.RankedTensorType) for value in values):
            return False
        if len(op.results) != len(results):
            return False
        required = [int(field.variadicity == Variadicity.single) for field in operands]
        if cls._several_optional():
            sizes = op.attributes.get("operandSegmentSizes")
            if not isinstance(sizes, ir.DenseI32ArrayAttr) or len(sizes) != len(operands):
                return False
            fits = all(least <= size <= 1 for least, size in zip(required, sizes, strict=True))
            return bool(fits and sum(sizes) == len(op.operands))
        return sum(required) <= len(op.operands) <= len(operands)

    @classmethod
    def _check_attributes(cls, op: Any) -> None:
        """Every attribute is known and of its kind; a name with a dot belongs to others."""
        _, declared, _, _ = ext.partition_fields(cls._fields)
        kinds = {field.name: field.constraint for field in declared} | cls.OPTIONAL_ATTRIBUTES
        if cls._several_optional():
            kinds["operandSegmentSizes"] = ir.DenseI32ArrayAttr
        for name in op.attributes:
            if "." in name:
                continue
            if name not in kinds:  # the nearest name is looked for only here: it takes long
                raise VerificationError(
                    f"has no attribute '{name}'{did_you_mean(name, kinds)}"
                    f" (has: {', '.join(sorted(kinds)) or 'none'})"
                )
            attribute, kind = op.attributes[name], kinds[name]
            require(
                _is_of_kind(attribute, kind),
                f"attribute '{name}' must be {_description(kind)}, got {attribute}",
            )

    @classmethod
    def _check_types(cls, op: Any) -> None:
        """All tensors have the same element type, and encodings that fit their shapes."""
        values = [*op.operands, *op.results]
        apart = [op.optional_operand(name) for name in cls.STORED_APART]
        free = {value for value in apart if value is not None}
        types = [ir.RankedTensorType(value.type) for value in values]
        elements = list(dict.fromkeys(str(type_.element_type) for type_ in types))
        same = {
            str(type_.element_type)
            for value, type_ in zip(values, types, strict=True)
            if value not in free
        }
        require(
            len(elements) == 1 or (len(same) == 1 and set(elements) <= MIXED_TYPES),
            f"operands and result must have one element type, got {', '.join(elements)}"
            + _apart_hint(cls.STORED_APART),
        )
        for type_ in types:
            if isinstance(type_.encoding, TensorEncoding):
                type_.encoding.check_tensor(type_)
            require(
                not isinstance(type_.encoding, Pattern.Attribute)
                or isinstance(type_.encoding, TensorEncoding),
                f"{type_.encoding} in a tensor type is no encoding; those are #pattern.sparse,"
                " #pattern.lanes, #pattern.rows and #pattern.blocks",
            )

    def check(self) -> None:
        """Raise `VerificationError` where a rule of the operation is broken."""

    def interpret(self, *operands: Any) -> Any:
        """Return the result for numpy ``operands`` (None for an absent optional one)."""
        raise NotImplementedError(self.OPERATION_NAME)


def _apart_hint(names: Sequence[str]) -> str:
    """Return which operands may have another element type, for a message."""
    return f" ({' and '.join(names)} may be f16 or f32 beside the others)" if names else ""


def _is_of_kind(attribute: Any, kind: type) -> bool:
    # The bindings make an instance of the base class where `I64ArrayAttr` is meant.
    return isinstance(attribute, ir.DenseI64ArrayAttr if kind is I64ArrayAttr else kind)


def _description(kind: Any) -> str:
    """Return how an attribute of ``kind`` is written."""
    return ATTRIBUTE_KINDS.get(kind) or f"#{kind.attr_name}<…>"


def shape_of(value: Any) -> list[int]:
    """Return the static shape of a ranked tensor value; raise `VerificationError` if dynamic."""
    type_ = ir.RankedTensorType(value.type)
    require(
        type_.has_static_shape, f"needs a static shape, got {type_}; export with fixed input sizes"
    )
    return list(type_.shape)


def tensor_like(value: Any, shape: Sequence[int]) -> Any:
    """Return the tensor type of ``shape`` with ``value``'s element type."""
    return ir.RankedTensorType.get(list(shape), ir.RankedTensorType(value.type).element_type)


def integers(attribute: Any) -> list[int]:
    """Return the integers of an `array<i64: …>` attribute."""
    return list(ir.DenseI64ArrayAttr(attribute))


def i64_array(values: Sequence[int]) -> Any:
    """Return the attribute `array<i64: values…>`."""
    return ir.DenseI64ArrayAttr.get([int(value) for value in values])


def integer(attribute: Any) -> int:
    """Return the value of an integer attribute."""
    return int(ir.IntegerAttr(attribute).value)


def i64(value: int) -> Any:
    """Return the attribute `value : i64`."""
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), int(value))


def load(context: Any) -> None:
    """Load the dialect into ``context``; loading twice does nothing."""
    if context.is_dialect_loaded(Pattern.DIALECT_NAMESPACE):
        return
    with context, ir.Location.unknown():
        Pattern.load()


def create_context() -> Any:
    """Return a fresh context with the pattern, torch and upstream dialects; one per module."""
    context = ir.Context()
    register_dialect(context)
    with context, ir.Location.unknown():
        # torch_c has no registration of its own: this pass depends on it and so loads it.
        PassManager.parse("builtin.module(torch-func-backend-type-conversion)").run(
            ir.Module.create().operation
        )
    load(context)
    return context
