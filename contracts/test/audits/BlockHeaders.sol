// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @notice Headers of made-up blocks.
library BlockHeaders {
    using RLP for RLP.Encoder;

    /// @dev As of Prague; what is not asked for is arbitrary.
    function header(uint256 number, bytes32 prevRandao) internal pure returns (bytes memory) {
        RLP.Encoder memory fields = RLP.encoder();
        bytes32 filler = keccak256(abi.encode("filler", number));
        fields.push(filler).push(filler).push(address(0xbeef)).push(filler).push(filler).push(filler);
        fields.push(new bytes(256)).push(uint256(0)).push(number).push(uint256(30_000_000)).push(uint256(21_000));
        fields.push(uint256(1_800_000_000)).push(bytes("extra")).push(prevRandao).push(new bytes(8));
        fields.push(uint256(7)).push(filler).push(uint256(0)).push(uint256(0)).push(filler).push(filler);
        return fields.encode();
    }
}
