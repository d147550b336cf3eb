// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../../src/TestToken.sol";

interface ITransferHook {
    function onTransfer(address from, address to, uint256 value) external;
}

/// @notice Calls sender and receiver during a transfer, as ERC-777 does: the sender before anything moved, the receiver
///         after.
contract HookToken is TestToken {
    mapping(address account => bool) public hooked;

    constructor() TestToken("Hook", "HOK", 18) {}

    /// @notice The caller is to be called from now on.
    function hook() external {
        hooked[msg.sender] = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (hooked[from]) ITransferHook(from).onTransfer(from, to, value);
        super._update(from, to, value);
        if (hooked[to]) ITransferHook(to).onTransfer(from, to, value);
    }
}
