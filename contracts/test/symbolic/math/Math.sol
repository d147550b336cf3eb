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
}
