// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice Makes one call from within another, and keeps what it was answered with.
abstract contract Comeback {
    bytes private _call;
    /// @notice What the last call was answered with.
    bytes public answer;

    function _prepare(bytes calldata call) internal {
        _call = call;
        answer = "not called";
    }

    function _comeBackTo(address target) internal {
        if (_call.length == 0) return;
        bytes memory call = _call;
        delete _call;
        (bool ok, bytes memory result) = target.call(call);
        answer = ok ? bytes("got in") : result;
    }
}
