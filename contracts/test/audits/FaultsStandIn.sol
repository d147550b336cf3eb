// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../../src/interfaces/IFaults.sol";

/// @notice The table of faults as auditors see it: it keeps every order to punish, for tests to look at.
contract FaultsStandIn is IFaults {
    mapping(Fault => Terms) private _terms;
    mapping(bytes32 offence => bool) private _punished;
    mapping(uint64 period => uint32) private _missedBps;
    Punishment[] private _punishments;

    error FaultsStandIn_Twice(bytes32 offence);

    function changeTerms(Fault fault, Terms calldata next) external {
        _terms[fault] = next;
    }

    function weigh(uint64 period, uint32 missedBps_) external {
        _missedBps[period] = missedBps_;
    }

    function punish(Punishment calldata order) external returns (uint256, uint256) {
        require(!_punished[order.offence], FaultsStandIn_Twice(order.offence));
        _punished[order.offence] = true;
        _punishments.push(order);
        return (0, 0);
    }

    function punishmentCount() external view returns (uint256) {
        return _punishments.length;
    }

    function punishment(uint256 index) external view returns (Punishment memory) {
        return _punishments[index];
    }

    function terms(Fault fault) external view returns (Terms memory) {
        return _terms[fault];
    }

    function isPunished(bytes32 offence) external view returns (bool) {
        return _punished[offence];
    }

    function missedBps(uint64 period) external view returns (uint32) {
        return _missedBps[period];
    }
}
