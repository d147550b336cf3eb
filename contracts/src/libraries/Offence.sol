// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../interfaces/IFaults.sol";

/// @title Identity of a deed, so that none is punished twice
library Offence {
    /// @notice `keccak256(abi.encode(fault, operator, deed))`.
    /// @dev The fault is part of it: a request's id could be chosen to look like a receipt's hash.
    /// @param deed The batch's id where its leaf was withheld, the receipt's hash where its output is wrong, the request's id
    ///        where two outputs were signed, the case's id where its judge is at fault.
    function id(IFaults.Fault fault, address operator, bytes32 deed) internal pure returns (bytes32) {
        return keccak256(abi.encode(fault, operator, deed));
    }
}
