// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {Base} from "../Base.t.sol";

/// @notice Gas of whole transactions as a user pays it, each in isolation: intrinsic cost, calldata and cold storage are
///         in it. Only the bytecode that ships is measured, tokens included.
abstract contract GasBase is Base {
    function setUp() public virtual override {
        vm.skip(!_isRelease(), "gas means something for the bytecode that ships alone: see `make gas`");
        super.setUp();
    }

    /// @dev Records the last call's gas; what the whole call costs, or each of its parts, rounded up, must be within bounds.
    function _record(string memory group, string memory name, uint256 most) internal {
        assertLe(vm.snapshotGasLastCall(group, name), most, name);
    }

    function _recordEach(string memory group, string memory name, uint256 parts, uint256 most) internal {
        uint256 each = (vm.lastCallGas().gasTotalUsed + parts - 1) / parts;
        vm.snapshotValue(group, name, each);
        assertLe(each, most, name);
    }
}
