// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @dev Halmos' own cheatcodes.
interface Svm {
    function createUint(uint256 bits, string memory name) external pure returns (uint256);
}

interface Vm {
    function assume(bool condition) external pure;
}

/// @title What stands in for OpenZeppelin's `Math` before a solver
/// @notice A quotient is what a division promises, any number with `quotient * denominator <= x * y < (quotient + 1) *
///         denominator`: solvers decide products, but neither 512-bit products nor 256-bit divisions. For products of less, which the checks keep to.
library Math {
    enum Rounding {
        Floor,
        Ceil,
        Trunc,
        Expand
    }

    Svm private constant SVM = Svm(0xF3993A62377BCd56AE39D773740A5390411E8BC9);
    Vm private constant VM = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function mulDiv(uint256 x, uint256 y, uint256 denominator) internal pure returns (uint256 quotient) {
        unchecked {
            uint256 product = x * y;
            quotient = SVM.createUint(64, "quotient");
            VM.assume(denominator != 0 && quotient <= product);
            VM.assume(quotient * denominator <= product);
            VM.assume(product < quotient * denominator + denominator);
        }
    }

    function mulDiv(uint256 x, uint256 y, uint256 denominator, Rounding rounding)
        internal
        pure
        returns (uint256 quotient)
    {
        unchecked {
            quotient = mulDiv(x, y, denominator);
            if (rounding == Rounding.Ceil && quotient * denominator != x * y) ++quotient;
        }
    }

    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    function saturatingSub(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return a > b ? a - b : 0;
        }
    }

    /// @dev The checks keep to products that do not saturate.
    function saturatingMul(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return a * b;
        }
    }

    function ceilDiv(uint256 a, uint256 b) internal pure returns (uint256) {
        return mulDiv(a, 1, b, Rounding.Ceil);
    }

    /// @dev The root is what squares promise: the least whose square is not below, for `Ceil`, which is all that is used.
    function sqrt(uint256 a, Rounding) internal pure returns (uint256 root) {
        unchecked {
            root = SVM.createUint(64, "root");
            VM.assume(root * root >= a);
            VM.assume(root == 0 || (root - 1) * (root - 1) < a);
        }
    }

    /// @dev Nothing that is checked takes it; libraries beside those are compiled, too.
    function log2(uint256 value) internal pure returns (uint256 result) {
        while (value > 1) {
            value >>= 1;
            ++result;
        }
    }

    function log2(uint256 value, Rounding) internal pure returns (uint256 result) {
        result = log2(value);
        if (1 << result < value) ++result;
    }
}
